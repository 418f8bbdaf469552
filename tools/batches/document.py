"""docs/benchmarks/batches.md from the figures."""

from pages import table


def prepared(run):
    """Batches that share slots cannot be."""
    return f"{run['prepared_ms_per_sample']:.3f}" if "prepared_ms_per_sample" in run else ""


def small_sets(runs):
    header = ["inputs", "server, s", "of which the matrices", "batches", "request, KB an input", "answer, KB an input",
              "client, s", "largest error"]
    return table(header, [[f"{run['samples']:,}", f"{run['server_s']:.2f}", f"{sum(run['matrix_ms']) / 1e3:.2f}",
                           f"{run['batches']} of {run['samples_a_batch']:,}",
                           f"{run['request_bytes_per_sample'] / 1e3:.1f}",
                           f"{run['response_bytes_per_sample'] / 1e3:.1f}",
                           f"{run['client_encrypt_s'] + run['client_decrypt_s']:.2f}",
                           f"{run['max_abs_error']:.1e}"] for run in runs])


def per_run(runs, first, key):
    header = [first, "server, s", "ms a sample", "prepared, ms a sample", "plain, ms a sample", "times plain",
              "largest error"]
    return table(header, [[f"{key(run):,}", f"{run['server_s']:.2f}", f"{run['ms_per_sample']:.3f}",
                           prepared(run), f"{run['plain_fp64_ms_per_sample']:.4f}",
                           f"{run['ratio_to_plain']:.1f}", f"{run['max_abs_error']:.1e}"] for run in runs])


def parts(run):
    products = run["gemm_gmac_per_s"]
    rows = [["rows: digest, unpacking, c_1", f"{run['read_ms']:,.0f}", ""]]
    for layer, milliseconds in enumerate(run["matrix_ms"]):
        rows.append([f"matrix {layer + 1}", f"{milliseconds:,.0f}", f"{products[layer]:.1f}"])
    rows.append(["activation", f"{run['activation_ms']:,.0f}", ""])
    rows.append(["answers: encryption of zero, switch, packing", f"{run['answer_ms']:,.0f}", ""])
    return table(["part of a full batch", "ms", "10^9 multiply-adds a second"], rows)


def megabytes(count):
    return f"{count / 1e6:,.0f} MB"


def of(figures, stem):
    full = figures["full"]
    threads = table(["threads", "ms a sample", "prepared", "times plain on as many"],
                    [[str(run["threads"]), f"{run['ms_per_sample']:.3f}", f"{run['prepared_ms_per_sample']:.3f}",
                      f"{run['ratio_to_plain']:.1f}"] for run in figures["threads"]])
    return f"""# A whole data set at once

What batches take on the server, on random weights and inputs of the paper's shape (768-768-766, its cubic) unless a
table says otherwise, and what the plain network takes beside them in the same run: two products of matrices in double
precision by OpenBLAS, with the kernels of this processor, and the activation. This page, its plots and
[its figures]({stem}.json) are made by one command:

    make bench-batches

{figures['date']}, {full['cpu']}, {figures['cores']} cores; integer products by `{full['matrix_isa']}`, the rest by
`{full['isa']}`; one thread unless a table says otherwise. "Prepared": the half of the first matrix that depends on no
input was at hand, as it is for the first batches of every client.

## A full batch

{full['samples']:,} samples take {full['server_s']:.2f} s, **{full['ms_per_sample']:.3f} ms a sample**, prepared
**{full['prepared_ms_per_sample']:.3f} ms**; **{full['ratio_to_plain']:.1f} times** what the plain network takes.
Largest error {full['max_abs_error']:.1e} (predicted {full['predicted_error']:.1e}).

{parts(full)}

| | |
| --- | --- |
| request | {full['request_bytes_per_sample'] / 1e3:.1f} KB a sample |
| answer | {full['response_bytes_per_sample'] / 1e3:.1f} KB a sample |
| keys of a job | {full['key_bytes'] / 1e3:,.0f} KB |
| client: encrypting, decrypting | {full['client_encrypt_s']:.2f} s, {full['client_decrypt_s']:.2f} s |
| memory of the server, of the client | {megabytes(full['server_peak_rss_bytes'])}, {megabytes(full['client_peak_rss_bytes'])} |

## Small sets

Fewer inputs share slots: several features of one stand in neighbouring slots, rows are fewer by that, and each is
rotated. The client takes the kind of batch that its inputs fit best.

{small_sets(figures['small'])}

## By samples

A batch of one kind takes the same time however few of its places are used, and every further full batch
({full['samples_a_batch']:,}) as much again.

{per_run(figures['samples'], 'samples', lambda run: run['samples'])}

![Server time by samples]({stem}-samples.svg)

## By the width of the hidden layer

{per_run(figures['widths'], 'hidden units', lambda run: run['widths'][1])}

![Server time by width]({stem}-widths.svg)

## By threads

{threads}
"""
