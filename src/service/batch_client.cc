#include <algorithm>
#include <array>
#include <exception>
#include <nlohmann/json.hpp>

#include "cryptotl/ckks/wire.h"
#include "service/batch_message.h"
#include "service/client_state.h"

namespace cryptotl {
namespace {

constexpr size_t kHeadBytes = 64 << 10;
constexpr size_t kErrorBytes = 64 << 10;
constexpr const char* kBinary = "application/octet-stream";

/// One batch going out and its answer coming in, as often as it takes. What the caller's functions throw or
/// refuse ends an attempt, and comes out of rethrow(): no exception passes through the HTTP library.
class Attempts {
 public:
  Attempts(const BatchMetadata& offer, const BatchExchange& batch, const HttpClient& http)
      : offer_(offer), batch_(batch), http_(http) {}

  httplib::Request begin(const std::string& path) {
    answer_.clear();
    answered_ = 0;
    tail_.clear();
    error_.clear();
    status_ = 0;
    httplib::Request request;
    request.method = "POST";
    request.path = path;
    request.headers.emplace("Content-Type", kBinary);
    request.content_length_ = offer_.request_bytes();
    request.content_provider_ = [this](size_t offset, size_t, httplib::DataSink& sink) {
      return guarded([&] { return send(offset, sink); });
    };
    request.response_handler = [this](const httplib::Response& response) {
      return guarded([&] { return look_at(response); });
    };
    request.content_receiver = [this](const char* data, size_t size, uint64_t, uint64_t) {
      return guarded([&] {
        take({data, size});
        return true;
      });
    };
    return request;
  }

  void rethrow() {
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }
  /// The body of an answer that refuses.
  const std::string& error() const { return error_; }

  BatchTimes finish() const {
    if (answered_ != offer_.plan.output_rows() || tail_.size() != kBatchTailBytes)
      refuse("a batch's answer of the wrong length");
    auto times = read_batch_tail(tail_, batch_.number);
    if (!times.ok()) refuse(std::string("a batch's answer: ") + times.error().what());
    if (times->matrix_ms.size() != offer_.plan.matrices.size())
      refuse("a batch's answer: the times of another number of matrices");
    return *std::move(times);
  }

 private:
  [[noreturn]] static void refuse(const std::string& why) { throw Error(ErrorCode::malformed, why); }

  template <typename Work>
  bool guarded(const Work& work) {
    try {
      return work();
    } catch (...) {
      failure_ = std::current_exception();
      return false;
    }
  }

  bool send(size_t offset, httplib::DataSink& sink) {
    const size_t row_bytes = offer_.row_bytes();
    if (http_.state().answered) {
      // Nobody takes it any more.
      static constexpr std::array<char, 65536> kNothing{};
      return sink.write(kNothing.data(), std::min(kNothing.size(), offer_.request_bytes() - offset));
    }
    CRYPTOTL_ASSERT(offset % row_bytes == 0);  // the library writes all of what it is given
    const size_t index = offset / row_bytes;
    const Bytes row = batch_.row(index);
    if (row.size() != row_bytes) throw Error(ErrorCode::internal, "a row of another length than the plan's");
    if (!sink.write(reinterpret_cast<const char*>(row.data()), row.size())) return false;
    report(index + 1);
    return true;
  }

  bool look_at(const httplib::Response& response) {
    status_ = response.status;
    if (status_ != 200) return true;
    const std::string right = std::to_string(offer_.response_bytes() + kBatchTailBytes);
    if (response.get_header_value("Content-Length") != right) refuse("a batch's answer of the wrong length");
    return true;
  }

  void take(std::string_view bytes) {
    if (status_ != 200) {
      if (error_.size() + bytes.size() <= kErrorBytes) error_.append(bytes);
      return;
    }
    while (!bytes.empty()) {
      if (answered_ == offer_.plan.output_rows()) {
        tail_.append(bytes);
        if (tail_.size() > kBatchTailBytes) refuse("a batch's answer of the wrong length");
        return;
      }
      const size_t count = std::min(bytes.size(), offer_.answer_row_bytes() - answer_.size());
      const ByteView part = as_bytes(bytes.substr(0, count));
      answer_.insert(answer_.end(), part.begin(), part.end());
      bytes.remove_prefix(count);
      if (answer_.size() < offer_.answer_row_bytes()) return;
      batch_.take_answer(answered_, answer_).value();
      answer_.clear();
      report(offer_.plan.input_rows() + ++answered_);
    }
  }

  void report(size_t done) const {
    if (batch_.progress) batch_.progress(done, offer_.plan.input_rows() + offer_.plan.output_rows());
  }

  const BatchMetadata& offer_;
  const BatchExchange& batch_;
  const HttpClient& http_;
  std::exception_ptr failure_;
  int status_ = 0;
  Bytes answer_;  ///< the begin of the next row
  size_t answered_ = 0;
  std::string tail_;
  std::string error_;
};

Error no_batches(const std::string& url) {
  return Error(ErrorCode::not_found, url + ": this server takes no batches");
}

}  // namespace

Result<std::vector<BatchMetadata>> ServiceClient::refresh_batches() {
  State& state = *state_;
  auto read = state.metadata_of(state.metadata.name);
  if (!read.ok()) return read.error();
  if (read->batches.empty()) return no_batches(state.url);
  if (read->model_digest != state.metadata.model_digest)
    return state.failed(ErrorCode::parameter_mismatch, "the server has another model by now; start again");
  state.metadata.batches = read->batches;
  return std::move(read->batches);
}

Result<Digest> ServiceClient::upload_batch_keys(const BatchMetadata& offer, ByteView keys) {
  State& state = *state_;
  const Digest name = digest(keys);
  const auto response = state.ask(
      [&](HttpClient& client) {
        const auto whole = [&](size_t offset, size_t length, httplib::DataSink& sink) {
          return sink.write(reinterpret_cast<const char*>(keys.data()) + offset, length);
        };
        return client.Put(state.batch_path(offer, name), keys.size(), whole, kBinary);
      },
      201, state.options.patience);
  if (!response.ok()) return response.error();
  return name;
}

Result<BatchTimes> ServiceClient::run_batch(const BatchMetadata& offer, const BatchExchange& batch) {
  State& state = *state_;
  const std::string path = state.batch_path(offer, batch.keys) + "/" + std::to_string(batch.number);
  const HttpClient::LongExchanges guard(state.http, kHeadBytes + offer.response_bytes() + kBatchTailBytes);
  Attempts attempts(offer, batch, state.http);
  const auto send = [&](HttpClient& client) {
    httplib::Result result = client.send(attempts.begin(path));
    attempts.rethrow();
    if (result && result->status != 200) result->body = attempts.error();
    return result;
  };
  try {
    const auto response = state.ask(send, 200, state.options.patience);
    if (!response.ok()) return response.error();
    return attempts.finish();
  } catch (const Error& error) {
    return state.failed(error.code(), error.what());
  }
}

Result<BatchState> ServiceClient::batch_state() {
  State& state = *state_;
  if (state.metadata.batches.empty()) return no_batches(state.url);
  const auto response =
      state.ask([&](HttpClient& client) { return client.Get(state.model_path() + "/batches"); });
  if (!response.ok()) return response.error();
  const auto read = read_batch_state(response->body);
  if (!read.ok()) return state.failed(ErrorCode::malformed, std::string("batches: ") + read.error().what());
  return read;
}

}  // namespace cryptotl
