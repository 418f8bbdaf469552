"""Drives cryptotl-server with tritonclient, a public client of the Open Inference Protocol that knows nothing of us.

usage: public_client.py CRYPTOTL_SERVER PARTY
"""

import http.client
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import tritonclient.http
from tritonclient.utils import InferenceServerException


def upload(url, model, digest, keys):
    connection = http.client.HTTPConnection(url, timeout=60)
    connection.request("PUT", f"/v2/models/{model}/keys/{digest}", body=keys)
    answer = connection.getresponse()
    assert answer.status == 201, (answer.status, answer.read())
    connection.close()


def infer(client, model, request, digest, **more):
    tensor = tritonclient.http.InferInput("input", [len(request)], "UINT8")
    tensor.set_data_from_numpy(numpy.frombuffer(request, dtype=numpy.uint8), binary_data=True)
    return client.infer(model, [tensor], parameters={"evaluation_keys": digest}, **more)


def expect_refusal(status, call):
    try:
        call()
    except InferenceServerException as error:
        assert error.status() == str(status), (error.status(), error.message())
        details = error.message()
        assert set(details) == {"code", "message", "request_id"}, details
        return details["code"]
    raise AssertionError("nothing was refused")


def drive(url, party, folder):
    client = tritonclient.http.InferenceServerClient(url, network_timeout=60)
    assert client.is_server_live()
    assert client.is_server_ready()
    server = client.get_server_metadata()
    assert server["name"] == "cryptotl", server
    assert "binary_tensor_data" in server["extensions"], server
    model = server["models"][0]
    assert client.is_model_ready(model)
    assert not client.is_model_ready("another")
    metadata = client.get_model_metadata(model)
    request_bytes = metadata["inputs"][0]["shape"][0]
    assert metadata["inputs"][0]["datatype"] == "UINT8"

    owner = folder / "owner"
    digest = party("keys", owner).strip()
    party("encrypt", owner, folder / "request")
    request = (folder / "request").read_bytes()
    assert len(request) == request_bytes, (len(request), request_bytes)
    assert expect_refusal(404, lambda: infer(client, model, request, digest)) == "missing_key"
    upload(url, model, digest, (owner / "evaluation").read_bytes())

    for outputs in (None, [tritonclient.http.InferRequestedOutput("output", binary_data=True)]):
        result = infer(client, model, request, digest, request_id="41", outputs=outputs)
        answer = result.as_numpy("output")
        assert answer.dtype == numpy.uint8 and list(answer.shape) == metadata["outputs"][0]["shape"]
        response = result.get_response()
        assert response["id"] == "41" and response["parameters"]["server_ms"] > 0, json.dumps(response)
        (folder / "answer").write_bytes(answer.tobytes())
        party("check", owner, folder / "answer")

    as_json = [tritonclient.http.InferRequestedOutput("output", binary_data=False)]
    assert expect_refusal(400, lambda: infer(client, model, request, digest, outputs=as_json)) == "malformed"
    assert expect_refusal(404, lambda: infer(client, "another", request, digest)) == "not_found"
    assert expect_refusal(400, lambda: infer(client, model, request[:-1], digest)) == "malformed"
    assert expect_refusal(400, lambda: infer(client, model, request + b"x", digest)) == "malformed"
    assert expect_refusal(413, lambda: infer(client, model, request + request, digest)) == "too_large"
    damaged = bytes([request[0] ^ 1]) + request[1:]
    assert expect_refusal(400, lambda: infer(client, model, damaged, digest)) == "malformed"
    client.close()


def main(server_program, party_program):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        model = folder / "model"

        def party(verb, *arguments):
            done = subprocess.run([party_program, verb, model, *arguments], check=True, stdout=subprocess.PIPE, text=True)
            return done.stdout

        party("write-model")
        server = subprocess.Popen(
            [server_program, "--model", model, "--listen", "127.0.0.1:0", "--json"], stdout=subprocess.PIPE, text=True
        )
        try:
            url = json.loads(server.stdout.readline())["url"]
            drive(url.removeprefix("http://"), party, folder)
        finally:
            server.terminate()
        assert server.wait(timeout=30) == 0


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
