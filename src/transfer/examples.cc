#include "cryptotl/transfer/examples.h"

namespace cryptotl {
namespace {

Error mismatch(const std::string& what) { return Error(ErrorCode::parameter_mismatch, what); }

}  // namespace

std::map<std::string, size_t> Examples::label_counts() const {
  std::map<std::string, size_t> counts;
  for (const std::string& label : labels) ++counts[label];
  return counts;
}

Result<Examples> read_examples(const std::filesystem::path& path, const TableOptions& options,
                               const std::optional<std::string>& embedder) {
  auto table = read_table(path, options);
  if (!table.ok()) return table.error();
  const EmbedderIdentity built_in = TextEmbedder::identity();
  Examples out{path.string(), {}, built_in, table->has_texts(), std::move(table->labels)};
  if (out.from_texts) {
    if (embedder && *embedder != built_in.name) {
      return mismatch(out.source + " holds texts, which only " + built_in.name +
                      " reads here; examples/embed.py makes " + *embedder + " embeddings of them");
    }
    out.embeddings = TextEmbedder::embed(table->texts);
    return out;
  }
  out.embeddings = std::move(table->features);
  const size_t width = out.embeddings.cols;
  if (embedder != built_in.name) {
    out.embedder = external_embedder(embedder.value_or(kUnnamedEmbedder), width);
  } else if (width != built_in.width) {
    return mismatch(out.source + " has " + std::to_string(width) + " feature columns; " + built_in.name +
                    " makes " + std::to_string(built_in.width));
  }
  return out;
}

Status require_embedder(const Examples& examples, const EmbedderIdentity& model) {
  if (examples.embedder == model) return {};
  if (examples.from_texts) {
    return mismatch(examples.source + " holds texts, but the model takes embeddings of " + model.name +
                    ": make them with examples/embed.py and say --embedder " + model.name);
  }
  if (examples.embeddings.cols != model.width) {
    return mismatch(examples.source + " has " + std::to_string(examples.embeddings.cols) +
                    " feature columns; the model takes " + std::to_string(model.width) +
                    (examples.embeddings.cols == model.width + 1 && examples.labels.empty()
                         ? " (if one of them is the label, name it with --label)"
                         : ""));
  }
  if (examples.embedder.name != model.name) {
    return mismatch(examples.source + ": its embedder is said to be " + examples.embedder.name +
                    "; the model takes " + model.name + " (--embedder " + model.name +
                    ", if that is what the file holds)");
  }
  return mismatch(examples.source + ": its embedder is another " + model.name + " than the model's");
}

}  // namespace cryptotl
