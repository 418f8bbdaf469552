#include "service/batch_message.h"

#include <cmath>

#include "service/json.h"

namespace cryptotl {
namespace {

using Json = nlohmann::json;

double time_in(const Json& json) {
  const double value = json.get<double>();
  if (!std::isfinite(value) || value < 0) throw Error(ErrorCode::malformed, "a time that is none");
  return value;
}

uint64_t count_in(const Json& json) {
  if (!json.is_number_unsigned()) throw Error(ErrorCode::malformed, "no number of 0 or more");
  return json.get<uint64_t>();
}

/// What `read` makes of the JSON, its exceptions as malformed.
template <typename Read>
auto parsed(std::string_view text, const Read& read) -> Result<decltype(read(Json()))> {
  const auto json = parse_json_object(text, 3);
  if (!json.ok()) return json.error();
  try {
    return read(*json);
  } catch (const Json::exception& error) {
    return Error(ErrorCode::malformed, error.what());
  } catch (const Error& error) {
    return error;
  }
}

}  // namespace

std::string write_batch_tail(uint64_t number, const BatchTimes& times) {
  std::string out = Json({{"number", number},
                          {"prepared", times.prepared},
                          {"server_ms", times.server_ms},
                          {"read_ms", times.read_ms},
                          {"matrix_ms", times.matrix_ms},
                          {"activation_ms", times.activation_ms},
                          {"answer_ms", times.answer_ms}})
                        .dump();
  CRYPTOTL_ASSERT(out.size() <= kBatchTailBytes);
  out.resize(kBatchTailBytes, ' ');
  return out;
}

Result<BatchTimes> read_batch_tail(std::string_view tail, uint64_t number) {
  return parsed(tail, [&](const Json& json) {
    if (count_in(json.at("number")) != number) throw Error(ErrorCode::malformed, "it is of another batch");
    BatchTimes out;
    out.prepared = json.at("prepared").get<bool>();
    out.server_ms = time_in(json.at("server_ms"));
    out.read_ms = time_in(json.at("read_ms"));
    for (const Json& time : json.at("matrix_ms")) out.matrix_ms.push_back(time_in(time));
    out.activation_ms = time_in(json.at("activation_ms"));
    out.answer_ms = time_in(json.at("answer_ms"));
    return out;
  });
}

std::string write_batch_state(const BatchState& state) {
  return Json({{"epoch", state.epoch},
               {"prepared", state.prepared},
               {"waiting", state.waiting},
               {"runner_bytes", state.runner_bytes},
               {"key_bytes", state.key_bytes}})
      .dump();
}

Result<BatchState> read_batch_state(std::string_view text) {
  return parsed(text, [](const Json& json) {
    return BatchState{count_in(json.at("epoch")), count_in(json.at("prepared")), count_in(json.at("waiting")),
                      count_in(json.at("runner_bytes")), count_in(json.at("key_bytes"))};
  });
}

}  // namespace cryptotl
