#include "cryptotl/network/npz.h"

#include <algorithm>
#include <array>
#include <map>

#include "cryptotl/data/limits.h"
#include "cryptotl/network/folding.h"
#include "data/npy.h"
#include "onnx_constant.h"
#include "zip_archive.h"

namespace cryptotl {
namespace {

constexpr std::array kArrays = {"conv", "w1", "b1", "activation", "w2", "b2", "out_w", "out_b", "mn", "mx"};
constexpr const char* kNames = "conv, w1, b1, activation, w2, b2, out_w, out_b, mn and mx";

/// The arrays of one file by name.
class NpzReader {
 public:
  NpzReader(ByteView bytes, const std::filesystem::path& file) : file_(file), archive_(bytes, file) {
    for (const ZipArchive::Entry& entry : archive_.entries()) {
      const std::string name = array_name(entry.name);
      if (!entries_.emplace(name, entry).second) throw malformed("holds two arrays " + name);
    }
    // All sizes before the first array: a hostile file costs no memory.
    for (const auto& [name, entry] : entries_) headers_.emplace(name, read_header(entry));
  }

  NpzWeights read() {
    for (const char* needed : {"w1", "b1", "w2", "b2"}) {
      if (!has(needed)) throw malformed(std::string("has no array ") + needed);
    }
    NpzWeights out;
    read_lower(out.lower);
    if (both("out_w", "out_b")) out.output_layer = read_output(output_width(out.lower).value());
    if (both("mn", "mx")) out.scaler = read_scaler(out.lower.input_width);
    return out;
  }

 private:
  Error malformed(const std::string& what) const {
    return Error(ErrorCode::malformed, file_.string() + ": " + what);
  }
  std::filesystem::path path_of(const std::string& entry) const { return file_ / printable(entry); }

  /// What NumPy calls the array: the file's name without ".npy".
  std::string array_name(const std::string& entry) const {
    constexpr std::string_view kEnding = ".npy";
    const std::string name =
        entry.ends_with(kEnding) ? entry.substr(0, entry.size() - kEnding.size()) : entry;
    if (std::ranges::find(kArrays, name) == kArrays.end()) {
      throw malformed("holds '" + printable(entry) + "', where arrays " + kNames + " are read");
    }
    return name;
  }

  NpyHeader read_header(const ZipArchive::Entry& entry) const {
    const Bytes start = archive_.read_start(entry, kMaxNpyHeaderBytes);
    const NpyHeader header = parse_npy_header(start, path_of(entry.name)).value();
    if (header.shape.size() > 2) {
      throw Error(ErrorCode::malformed, path_of(entry.name).string() + ": " +
                                            std::to_string(header.shape.size()) +
                                            " dimensions, where at most 2 are read");
    }
    size_t count = 1;
    for (const size_t size : header.shape) {
      if (size > kMaxFoldedWidth) {
        throw Error(ErrorCode::too_large, path_of(entry.name).string() + ": a dimension of " +
                                              std::to_string(size) + ", where at most " +
                                              std::to_string(kMaxFoldedWidth) + " is read");
      }
      count *= size;
    }
    if (entry.bytes != header.bytes + count * npy_item_bytes(header)) {
      throw Error(ErrorCode::malformed, path_of(entry.name).string() + ": " + std::to_string(entry.bytes) +
                                            " bytes, which its shape contradicts");
    }
    return header;
  }

  bool has(const std::string& name) const { return entries_.contains(name); }
  bool both(const std::string& one, const std::string& other) const {
    if (has(one) != has(other)) {
      throw malformed("has an array " + (has(one) ? one : other) + " but none " + (has(one) ? other : one));
    }
    return has(one);
  }

  Matrix array(const std::string& name, size_t dimensions) const {
    const ZipArchive::Entry& entry = entries_.at(name);
    const size_t found = headers_.at(name).shape.size();
    if (found != dimensions) {
      throw malformed("array " + name + " has " + std::to_string(found) + " dimensions, where " +
                      std::to_string(dimensions) + " is right");
    }
    return parse_npy_array(archive_.read(entry), path_of(entry.name)).value();
  }
  std::vector<double> vector(const std::string& name) const { return array(name, 1).values; }
  std::vector<double> vector(const std::string& name, size_t size) const {
    std::vector<double> out = vector(name);
    if (out.size() != size) {
      throw malformed("array " + name + " has " + std::to_string(out.size()) + " numbers, where " +
                      std::to_string(size) + " are right");
    }
    return out;
  }
  Dense dense(const std::string& weight, const std::string& bias) const {
    Dense out{array(weight, 2), {}};
    out.bias = vector(bias, out.weight.rows);
    return out;
  }

  void read_lower(Network& lower) const {
    Dense first = dense("w1", "b1");
    Dense second = dense("w2", "b2");
    const size_t hidden = first.weight.rows;
    const size_t pooled = second.weight.cols;
    if (pooled > hidden) {
      throw malformed("array w2 takes rows of " + std::to_string(pooled) + ", but w1 makes rows of " +
                      std::to_string(hidden));
    }
    lower.input_width = first.weight.cols;
    if (has("conv")) lower.layers.emplace_back(Conv1D{vector("conv")});
    lower.layers.emplace_back(std::move(first));
    lower.layers.emplace_back(activation());
    if (pooled < hidden) lower.layers.emplace_back(AveragePool1D{hidden - pooled + 1});
    lower.layers.emplace_back(std::move(second));
    if (const auto width = output_width(lower); !width.ok()) throw malformed(width.error().what());
  }

  Polynomial activation() const {
    if (!has("activation")) return kPaperCubic;
    Polynomial out{vector("activation")};
    if (out.coefficients.size() < 2 || out.coefficients.size() > kMaxFoldedDegree + 1) {
      throw malformed("array activation has " + std::to_string(out.coefficients.size()) +
                      " coefficients, where 2 to " + std::to_string(kMaxFoldedDegree + 1) + " are right");
    }
    return out;
  }

  Dense read_output(size_t features) const {
    const bool one_output = headers_.at("out_w").shape.size() == 1;
    Dense out{array("out_w", one_output ? 1 : 2), {}};
    if (out.weight.cols != features) {
      throw malformed("array out_w takes " + std::to_string(out.weight.cols) +
                      " features, but the network makes " + std::to_string(features));
    }
    const bool scalar = headers_.at("out_b").shape.empty() && out.weight.rows == 1;
    out.bias = scalar ? array("out_b", 0).values : vector("out_b", out.weight.rows);
    return out;
  }

  MinMaxScaler read_scaler(size_t inputs) const {
    MinMaxScaler out{vector("mn", inputs), vector("mx", inputs)};
    for (size_t i = 0; i < inputs; ++i) {
      if (out.minimum[i] > out.maximum[i]) {
        throw malformed("array mn is above mx at index " + std::to_string(i));
      }
    }
    return out;
  }

  std::filesystem::path file_;
  ZipArchive archive_;
  std::map<std::string, ZipArchive::Entry> entries_;
  std::map<std::string, NpyHeader> headers_;
};

}  // namespace

Result<NpzWeights> read_npz(ByteView bytes, const std::filesystem::path& file) try {
  if (bytes.empty()) return Error(ErrorCode::malformed, file.string() + ": the file is empty");
  if (bytes.size() > kMaxNpzBytes) {
    return Error(ErrorCode::too_large, file.string() + ": " + std::to_string(bytes.size()) +
                                           " bytes, where " + std::to_string(kMaxNpzBytes) +
                                           " are the limit");
  }
  return NpzReader(bytes, file).read();
} catch (const Error& why) {
  return why;
}

}  // namespace cryptotl
