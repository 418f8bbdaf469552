#include "cryptotl/network/npz.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "cryptotl/base/file.h"
#include "cryptotl/data/feature_file.h"
#include "npz_file.h"
#include "random_network.h"

namespace cryptotl {
namespace {

using samples::npy_of;
using samples::zip_of;
using samples::ZipMember;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

std::string refusal(ByteView bytes) {
  const auto file = read_npz(bytes, "w.npz");
  return file.ok() ? "accepted" : file.error().what();
}

/// The arrays of a small network: 5 inputs, 4 hidden, pooled to 3, 2 features.
class Arrays {
 public:
  Arrays() {
    samples::NetworkMaker make(1);
    set("conv", "(3,)", make.numbers(3));
    set("w1", "(4, 5)", make.numbers(20));
    set("b1", "(4,)", make.numbers(4));
    set("w2", "(2, 3)", make.numbers(6));
    set("b2", "(2,)", make.numbers(2));
    set("out_w", "(2,)", make.numbers(2));
    set("out_b", "()", make.numbers(1));
    set("mn", "(5,)", {0, 0, -1, 0, 2});
    set("mx", "(5,)", {1, 2, 3, 4, 2});
  }
  void set(const std::string& name, const std::string& shape, const std::vector<double>& values,
           const std::string& type = "<f8", const std::string& fortran = "False") {
    put(name + ".npy", npy_of(shape, values, type, fortran));
  }
  void put(const std::string& file, Bytes bytes) { files_[file] = std::move(bytes); }
  void drop(const std::string& name) { files_.erase(name + ".npy"); }
  Bytes bytes(bool deflated = true, const std::string& password = "") const {
    std::vector<ZipMember> members;
    for (const auto& [name, content] : files_) members.push_back({name, content});
    return zip_of(members, deflated, password);
  }
  std::string refusal() const { return cryptotl::refusal(bytes()); }

 private:
  std::map<std::string, Bytes> files_;
};

TEST(ReadNpz, RefusesBytesThatAreNoArchive) {
  EXPECT_EQ(refusal({}), "w.npz: the file is empty");
  EXPECT_THAT(refusal(as_bytes("features,label\n1,2\n")),
              StartsWith("w.npz: not an NPZ file, or a damaged one ("));
  EXPECT_THAT(refusal(npy_of({1, 2})), HasSubstr("not an NPZ file, or a damaged one"));
}

TEST(ReadNpz, RefusesEncryptedArchives) {
  EXPECT_EQ(refusal(Arrays().bytes(true, "secret")), "w.npz: b1.npy is encrypted");
}

TEST(ReadNpz, RefusesArraysThatItDoesNotKnow) {
  Arrays arrays;
  arrays.set("w3", "(2, 2)", {1, 2, 3, 4});
  EXPECT_EQ(arrays.refusal(),
            "w.npz: holds 'w3.npy', where arrays conv, w1, b1, activation, w2, b2, out_w, out_b, mn and mx "
            "are read");
  Arrays other;
  other.put("notes\n.txt", {1, 2, 3});
  EXPECT_THAT(other.refusal(), HasSubstr("holds 'notes?.txt'"));
}

TEST(ReadNpz, RefusesCrowds) {
  std::vector<ZipMember> members;
  for (int i = 0; i < 65; ++i) members.push_back({std::to_string(i) + ".npy", {}});
  EXPECT_EQ(refusal(zip_of(members)), "w.npz: an archive of 65 files, where at most 64 are read");
}

TEST(ReadNpz, NamesTheArrayThatIsMissing) {
  for (const char* name : {"w1", "b1", "w2", "b2"}) {
    Arrays arrays;
    arrays.drop(name);
    EXPECT_EQ(arrays.refusal(), "w.npz: has no array " + std::string(name));
  }
  Arrays arrays;
  arrays.drop("out_b");
  EXPECT_EQ(arrays.refusal(), "w.npz: has an array out_w but none out_b");
  Arrays scaler;
  scaler.drop("mn");
  EXPECT_EQ(scaler.refusal(), "w.npz: has an array mx but none mn");
}

TEST(ReadNpz, RefusesOtherTypesAndOrders) {
  Arrays arrays;
  arrays.set("b1", "(4,)", {1, 2, 3, 4}, "<i8");
  EXPECT_EQ(arrays.refusal(), "w.npz/b1.npy: an array of type <i8; float16, float32 or float64 is read");
  arrays.set("b1", "(4,)", {1, 2, 3, 4}, ">f8");
  EXPECT_THAT(arrays.refusal(), HasSubstr("w.npz/b1.npy: big-endian numbers (>f8)"));
  arrays.set("b1", "(4,)", {1, 2, 3, 4}, "|O");
  EXPECT_THAT(arrays.refusal(), HasSubstr("w.npz/b1.npy: Python objects (|O)"));
  arrays.set("b1", "(4,)", {1, 2, 3, 4}, "<f8", "True");
  EXPECT_THAT(arrays.refusal(), HasSubstr("w.npz/b1.npy: Fortran order"));
  arrays.put("b1.npy", {1, 2, 3});
  EXPECT_EQ(arrays.refusal(), "w.npz/b1.npy: not an NPY array");
}

TEST(ReadNpz, RefusesNumbersThatAreNotFinite) {
  Arrays arrays;
  arrays.set("w1", "(4, 5)", std::vector<double>(20, NAN));
  EXPECT_EQ(arrays.refusal(), "w.npz/w1.npy, row 1, column 1: NaN or infinity; a finite number is wanted");
}

TEST(ReadNpz, RefusesSizesThatDoNotFitTogether) {
  const auto refused = [](const char* name, const char* shape, size_t count) {
    Arrays arrays;
    arrays.set(name, shape, std::vector<double>(count, 1.0));
    return arrays.refusal();
  };
  EXPECT_EQ(refused("b1", "(5,)", 5), "w.npz: array b1 has 5 numbers, where 4 are right");
  EXPECT_EQ(refused("b1", "(1, 4)", 4), "w.npz: array b1 has 2 dimensions, where 1 is right");
  EXPECT_EQ(refused("w1", "(20,)", 20), "w.npz: array w1 has 1 dimensions, where 2 is right");
  EXPECT_EQ(refused("w1", "(1, 4, 5)", 20), "w.npz/w1.npy: 3 dimensions, where at most 2 are read");
  EXPECT_EQ(refused("w2", "(2, 5)", 10), "w.npz: array w2 takes rows of 5, but w1 makes rows of 4");
  EXPECT_EQ(refused("out_w", "(3,)", 3), "w.npz: array out_w takes 3 features, but the network makes 2");
  EXPECT_EQ(refused("out_w", "(3, 2)", 6), "w.npz: array out_b has 0 dimensions, where 1 is right");
  EXPECT_EQ(refused("mn", "(4,)", 4), "w.npz: array mn has 4 numbers, where 5 are right");
  EXPECT_EQ(refused("mx", "(5,)", 5), "w.npz: array mn is above mx at index 4");
  EXPECT_EQ(refused("activation", "(9,)", 9),
            "w.npz: array activation has 9 coefficients, where 2 to 8 are right");
  EXPECT_EQ(refused("activation", "(1,)", 1),
            "w.npz: array activation has 1 coefficients, where 2 to 8 are right");
}

TEST(ReadNpz, RefusesShapesThatTheDataContradicts) {
  Arrays arrays;
  arrays.set("b1", "(4,)", {1, 2, 3});
  EXPECT_THAT(arrays.refusal(), MatchesRegex("w.npz/b1.npy: [0-9]+ bytes, which its shape contradicts"));
  arrays.set("b1", "(4,)", {1, 2, 3, 4, 5});
  EXPECT_THAT(arrays.refusal(), HasSubstr("which its shape contradicts"));
  arrays.set("b1", "(0,)", {});
  EXPECT_THAT(arrays.refusal(), HasSubstr("an empty array, of shape (0)"));
  arrays.set("b1", "(5000,)", {});
  EXPECT_EQ(arrays.refusal(), "w.npz/b1.npy: a dimension of 5000, where at most 4096 is read");
  arrays.set("b1", "(18446744073709551615, 2)", {});
  EXPECT_THAT(arrays.refusal(), HasSubstr("a dimension of 18446744073709551615"));
}

TEST(ReadNpz, RefusesABombBeforeItGoesOff) {
  // 64 MiB of zeros in a few kilobytes, where 32 bytes are right.
  Bytes bomb = npy_of("(4,)", {1, 2, 3, 4});
  bomb.resize(size_t{64} << 20);
  Arrays arrays;
  arrays.put("b1.npy", bomb);
  const Bytes bytes = arrays.bytes();
  EXPECT_LT(bytes.size(), size_t{100000});
  EXPECT_EQ(refusal(bytes), "w.npz/b1.npy: 67108864 bytes, which its shape contradicts");
}

TEST(ReadNpz, RefusesDamagedData) {
  Bytes bytes = Arrays().bytes(false);
  const Bytes wanted = npy_of("(5,)", {0, 0, -1, 0, 2});
  const auto at = std::ranges::search(bytes, wanted).begin();
  ASSERT_NE(at, bytes.end());
  *(at + static_cast<std::ptrdiff_t>(wanted.size()) - 1) ^= 1;
  EXPECT_EQ(refusal(bytes), "w.npz: mn.npy is damaged (CRC error)");
}

TEST(ReadNpz, ReadsEveryArray) {
  for (const bool deflated : {false, true}) {
    const auto read = read_npz(Arrays().bytes(deflated), "w.npz");
    ASSERT_TRUE(read.ok()) << read.error().what();
    samples::NetworkMaker make(1);
    const Conv1D conv{make.numbers(3)};
    const auto matrix = [&](size_t rows, size_t cols) {
      Matrix out(rows, cols);
      out.values = make.numbers(rows * cols);
      return out;
    };
    const auto dense = [&](size_t rows, size_t cols) {
      Matrix weight = matrix(rows, cols);
      return Dense{std::move(weight), make.numbers(rows)};
    };
    const Dense first = dense(4, 5);
    const Dense second = dense(2, 3);
    EXPECT_TRUE(samples::same(read->lower, {5, {conv, first, kPaperCubic, AveragePool1D{2}, second}}));
    const Dense output = dense(1, 2);
    ASSERT_TRUE(read->output_layer.has_value());
    EXPECT_EQ(read->output_layer->weight.values, output.weight.values);
    EXPECT_EQ(read->output_layer->bias, output.bias);
    EXPECT_EQ(read->scaler->minimum, (std::vector<double>{0, 0, -1, 0, 2}));
    EXPECT_EQ(read->scaler->maximum, (std::vector<double>{1, 2, 3, 4, 2}));
  }
}

TEST(ReadNpz, ReadsWhatIsLeftOutAndAddedToThePapersNetwork) {
  Arrays arrays;
  for (const char* name : {"conv", "mn", "mx"}) arrays.drop(name);
  arrays.set("w2", "(2, 4)", std::vector<double>(8, 0.5));
  arrays.set("activation", "(3,)", {1, 2, 3});
  arrays.set("out_w", "(3, 2)", {1, 2, 3, 4, 5, 6});
  arrays.set("out_b", "(3,)", {7, 8, 9});
  const NpzWeights read = read_npz(arrays.bytes(), "w.npz").value();
  EXPECT_EQ(samples::text_of(read.lower), "5 Dense Polynomial Dense");
  EXPECT_EQ(std::get<Polynomial>(read.lower.layers[1]).coefficients, (std::vector<double>{1, 2, 3}));
  EXPECT_FALSE(read.scaler.has_value());
  EXPECT_EQ(read.output_layer->weight.rows, 3U);
  EXPECT_EQ(read.output_layer->weight(2, 1), 6);
}

TEST(HostileNpz, SurvivesEveryTruncationAndFlippedByte) {
  for (const bool deflated : {false, true}) {
    const Bytes bytes = Arrays().bytes(deflated);
    for (size_t length = 0; length < bytes.size(); ++length) {
      ASSERT_FALSE(read_npz(ByteView(bytes).first(length), "w.npz").ok()) << length;
    }
    for (size_t at = 0; at < bytes.size(); ++at) {
      for (const unsigned flip : {0x01U, 0x80U, 0xffU}) {
        Bytes changed = bytes;
        changed[at] = static_cast<uint8_t>(changed[at] ^ flip);
        const auto read = read_npz(changed, "w.npz");
        if (read.ok()) continue;  // a date, or a comment
        ASSERT_THAT(read.error().what(), ::testing::Not(HasSubstr("\n"))) << at;
        ASSERT_NE(read.error().code(), ErrorCode::internal) << at;
      }
    }
  }
}

TEST(SharedWeights, GiveTheirOwnNetworksOutputs) {
  const std::filesystem::path shared = std::filesystem::path(CRYPTOTL_SOURCE_DIR) / ".." / "shared" / "data";
  const auto path = shared / "lower_rt_polarity_cubic_seed0.npz";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "the shared weights are not beside this checkout";
  const NpzWeights read = read_npz(read_file(path).value(), path).value();
  EXPECT_EQ(samples::text_of(read.lower), "768 Conv1D Dense Polynomial AveragePool1D Dense");
  EXPECT_EQ(output_width(read.lower).value(), 766U);
  TableOptions options;
  options.expects_labels = false;
  Matrix rows = read_table(shared / "rt_polarity.f16.npy", options)->features;
  const std::vector<size_t> some{0, 1, 3999};
  rows = take_rows(rows, some);
  read.scaler->apply(rows);
  const Matrix features = forward(read.lower, rows);
  const Matrix scores = forward(Network{766, {*read.output_layer}}, features);
  // NumPy 1.26, in float64 from the arrays themselves.
  const double first[] = {0.0918480537403319, -0.113102602157499, 0.169762801292637};
  const double last[] = {0.0224199650295325, 0.00952544869430713, -0.0344755309898804};
  const double score[] = {1.49378082514574, -2.58747980015542, 4.20997369586076};
  for (size_t row = 0; row < some.size(); ++row) {
    EXPECT_NEAR(features(row, 0), first[row], 1e-12);
    EXPECT_NEAR(features(row, 765), last[row], 1e-12);
    EXPECT_NEAR(scores(row, 0), score[row], 1e-11);
  }
}

}  // namespace
}  // namespace cryptotl
