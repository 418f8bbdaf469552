#include "cryptotl/service/batch_metadata.h"

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cryptotl/ckks/batch_encryption.h"
#include "cryptotl/ckks/wire.h"
#include "cryptotl/service/limits.h"
#include "service/json.h"

namespace cryptotl {
namespace {

using Json = nlohmann::json;

void require(bool fits, const std::string& what) {
  if (!fits) throw Error(ErrorCode::malformed, "metadata: batches: " + what);
}

double milliseconds(const Json& json, const char* member) {
  const double value = json.at(member).get<double>();
  require(std::isfinite(value) && value > 0, std::string(member) + " is no time");
  return value;
}

Json objects(size_t count, size_t bytes) { return {{"count", count}, {"bytes", bytes}}; }

BatchMetadata read(const Json& json, const Digest& model) {
  BatchMetadata out;
  out.plan = BatchPlan::from_json(json.at("plan")).value();
  out.params = Params::create(out.plan.params).value();
  require(parse_digest(json.at("params_id"), "params_id").value() == out.params->id(),
          "params_id is not that of the plan's parameters");
  require(json.at("epoch").is_number_unsigned(), "epoch is no number of 0 or more");
  out.epoch = json.at("epoch").get<uint64_t>();
  // Whoever chose a seed freely could choose one whose expansion helps against the keys.
  out.seed = batch_seed(model, out.epoch);
  require(parse_digest(json.at("seed"), "seed").value() == out.seed,
          "the seed is not the one of this model and epoch");
  require(json.at("rows") == objects(out.plan.input_rows(), out.row_bytes()),
          "rows are not what the plan calls for");
  require(json.at("answers") == objects(out.plan.output_rows(), out.answer_row_bytes()),
          "answers are not what the plan calls for");
  require(json.at("key_bytes") == out.key_bytes(), "key_bytes is not what the plan calls for");
  require(json.at("batches_a_key_set") == kBatchesAKeySet, "batches_a_key_set is not what the protocol says");
  out.pass_milliseconds = milliseconds(json, "pass_ms");
  out.batch_milliseconds = milliseconds(json, "batch_ms");
  out.prepared_milliseconds = milliseconds(json, "prepared_batch_ms");
  return out;
}

}  // namespace

uint64_t current_epoch() {
  using Weeks = std::chrono::duration<int64_t, std::ratio<7 * 24 * 3600>>;
  return static_cast<uint64_t>(
      std::chrono::duration_cast<Weeks>(std::chrono::system_clock::now().time_since_epoch()).count());
}

BatchMetadata BatchMetadata::of(const Digest& model, const BatchPlan& plan, uint64_t epoch,
                                double pass_milliseconds, const KernelSpeeds& speeds) {
  const BatchCost cost = cost_of(plan, speeds);
  BatchMetadata out;
  out.plan = plan;
  out.params = Params::create(plan.params).value();
  out.epoch = epoch;
  out.seed = batch_seed(model, epoch);
  out.pass_milliseconds = pass_milliseconds;
  out.batch_milliseconds = cost.milliseconds;
  out.prepared_milliseconds = cost.prepared_milliseconds;
  return out;
}

size_t BatchMetadata::row_bytes() const { return batch_row_bytes(*params, plan.top_limbs()); }

size_t BatchMetadata::answer_row_bytes() const {
  return answer_bytes(*params, plan.answer_bits, plan.answer_dropped_bits);
}

size_t BatchMetadata::key_bytes() const { return key_set_bytes(*params, required_keys(plan)); }

Json BatchMetadata::to_json() const {
  return {{"plan", plan.to_json()},
          {"params_id", hex(params->id())},
          {"epoch", epoch},
          {"seed", hex(seed)},
          {"rows", objects(plan.input_rows(), row_bytes())},
          {"answers", objects(plan.output_rows(), answer_row_bytes())},
          {"key_bytes", key_bytes()},
          {"batches_a_key_set", kBatchesAKeySet},
          {"pass_ms", pass_milliseconds},
          {"batch_ms", batch_milliseconds},
          {"prepared_batch_ms", prepared_milliseconds}};
}

Result<BatchMetadata> BatchMetadata::from_json(const Json& json, const Digest& model) {
  try {
    return read(json, model);
  } catch (const Json::exception& error) {
    return Error(ErrorCode::malformed, std::string("metadata: batches: ") + error.what());
  } catch (const Error& error) {
    return error;
  }
}

}  // namespace cryptotl
