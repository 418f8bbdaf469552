// Our side of onnx_oracle.py. Rows are little-endian doubles without a header; the network says their width.
//
//   write DIR COUNT       COUNT random networks and the paper's: DIR/I.onnx, DIR/I.rows and our answers
//   DIR/I.answers evaluate MODEL IN OUT our answers to the rows in IN
//
// Exit 3 and one line on standard error where a model is refused.

#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <string>

#include "cryptotl/base/file.h"
#include "cryptotl/network/onnx.h"
#include "network/random_network.h"

namespace cryptotl {
namespace {

namespace fs = std::filesystem;

void write_numbers(const fs::path& path, const std::vector<double>& numbers) {
  ByteWriter writer;
  for (const double number : numbers) writer.number(number);
  write_file(path, writer.take()).value();
}

Matrix read_rows(const fs::path& path, size_t width) {
  const Bytes bytes = read_file(path).value();
  Matrix rows(bytes.size() / (width * sizeof(double)), width);
  ByteReader reader(bytes);
  for (double& value : rows.values) value = reader.number<double>().value();
  return rows;
}

void write_case(const fs::path& folder, size_t index, const Network& network, const Matrix& rows) {
  const std::string stem = std::to_string(index);
  write_file(folder / (stem + ".onnx"), write_onnx(network, {{"layers", samples::text_of(network)}}).value())
      .value();
  write_numbers(folder / (stem + ".rows"), rows.values);
  write_numbers(folder / (stem + ".answers"), forward(network, rows).values);
}

void write_cases(const fs::path& folder, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    samples::NetworkMaker make(1000 + i);
    const Network network = make.any_network();
    write_case(folder, i, network, make.rows(5, network.input_width));
  }
  write_case(folder, count, samples::paper_network(1), samples::NetworkMaker(2).rows(20, 768));
}

void evaluate(const fs::path& model, const fs::path& in, const fs::path& out) {
  const OnnxFile file = read_onnx(read_file(model).value()).value();
  write_numbers(out, forward(file.network, read_rows(in, file.network.input_width)).values);
}

int run(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "write" && argc == 4) {
    write_cases(argv[2], std::stoul(argv[3]));
  } else if (verb == "evaluate" && argc == 5) {
    evaluate(argv[2], argv[3], argv[4]);
  } else {
    std::fputs("usage: write DIR COUNT | evaluate MODEL IN OUT\n", stderr);
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace cryptotl

int main(int argc, char** argv) {
  try {
    return cryptotl::run(argc, argv);
  } catch (const cryptotl::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return cryptotl::exit_code(error.code());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
