#include "service/batch_service.h"

#include <nlohmann/json.hpp>

#include "service/batch_job.h"
#include "service/http_server.h"
#include "service/idle_thread.h"
#include "service/json.h"
#include "service/request_body.h"
#include "service/whole_number.h"

namespace cryptotl {
namespace {

using httplib::ContentReader;
using httplib::Request;
using httplib::Response;

constexpr std::chrono::milliseconds kShortestWait{50};

Result<uint64_t> number_in_path(const Request& request, size_t part, const char* what) {
  const auto number = whole_number(request.matches[part].str());
  if (number) return *number;
  return Error(ErrorCode::malformed, std::string("the path's ") + what + " is not a number");
}

/// Which keys a path is about.
struct KeyPath {
  uint64_t epoch = 0;
  Digest name{};
};

Result<KeyPath> key_path(const Request& request) {
  const auto epoch = number_in_path(request, 3, "epoch");
  if (!epoch.ok()) return epoch.error();
  const auto name = parse_digest(std::string_view(request.matches[4].str()), "the name of keys in the path");
  if (!name.ok()) return name.error();
  return KeyPath{*epoch, *name};
}

/// Its length has to be this one.
Status check_length(const Request& request, size_t right) {
  const auto length = number_header(request, "Content-Length");
  if (!length.ok()) return length.error();
  return require_length(*length, {right});
}

void set_key_state(Response& response, const KeyPath& path, size_t bytes) {
  const nlohmann::json json = {{"epoch", path.epoch}, {"digest", hex(path.name)}, {"bytes", bytes}};
  response.set_content(json.dump(), "application/json");
}

}  // namespace

namespace {

std::vector<BatchRunners::MakeProgram> programs_of(const std::vector<BatchKind>& small,
                                                   const std::shared_ptr<const BatchProgram>& program) {
  std::vector<BatchRunners::MakeProgram> out;
  for (const BatchKind& kind : small) out.push_back(kind.program);
  out.emplace_back([program] { return program; });
  return out;
}

}  // namespace

BatchService::BatchService(std::shared_ptr<const BatchProgram> program, const std::vector<BatchKind>& small,
                           const Digest& model, double pass_milliseconds, const ServerOptions& options)
    : program_(std::move(program)),
      model_(model),
      fixed_epoch_(options.batches.epoch),
      trusting_(options.batches.trusting),
      runners_(programs_of(small, program_), options.threads, options.batches.concurrency, options.limits),
      halves_(options.key_store / "batches", program_, model, options.limits.batch_cache_bytes) {
  const auto add = [&](const BatchPlan& plan) {
    const BatchMetadata offer =
        BatchMetadata::of(model, plan, epoch(), pass_milliseconds, options.plan.speeds);
    offers_.push_back(
        std::unique_ptr<Offer>(new Offer{offers_.size(), offer, BatchKeyStore(offer, options.limits)}));
  };
  for (const BatchKind& kind : small) add(kind.plan);
  add(program_->plan());
  runners_.on_free([this] { wake(); });
  worker_ = std::thread([this] { work(); });
}

BatchService::~BatchService() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_one();
  // What is in the making might take long where processors are busy.
  step_forward(worker_.native_handle());
  worker_.join();
}

std::vector<BatchMetadata> BatchService::metadata() const {
  std::vector<BatchMetadata> out;
  for (const auto& offer : offers_) {
    out.push_back(offer->metadata);
    out.back().epoch = epoch();
    out.back().seed = batch_seed(model_, out.back().epoch);
  }
  return out;
}

Result<BatchService::Offer*> BatchService::offer_in_path(const Request& request) {
  const auto samples = number_in_path(request, 2, "number of samples");
  if (!samples.ok()) return samples.error();
  std::string known;
  for (const auto& offer : offers_) {
    if (offer->metadata.plan.samples() == *samples) return offer.get();
    known += (known.empty() ? "" : ", ") + std::to_string(offer->metadata.plan.samples());
  }
  return Error(ErrorCode::not_found,
               "batches of " + std::to_string(*samples) + " samples; there are those of " + known);
}

Status BatchService::get_state(Response& response) {
  BatchState state;
  state.epoch = epoch();
  state.prepared = halves_.count(state.epoch);
  state.waiting = halves_.waiting(state.epoch);
  state.runner_bytes = runners_.bytes();
  for (const auto& offer : offers_) state.key_bytes += offer->keys.bytes();
  response.set_content(write_batch_state(state), "application/json");
  return {};
}

Status BatchService::get_keys(const Request& request, Response& response) {
  const auto offer = offer_in_path(request);
  if (!offer.ok()) return offer.error();
  const auto path = key_path(request);
  if (!path.ok()) return path.error();
  const auto keys = (*offer)->keys.find(path->name, path->epoch);
  if (!keys.ok()) return keys.error();
  set_key_state(response, *path, (*offer)->metadata.key_bytes());
  return {};
}

Status BatchService::put_keys(const Request& request, Response& response, const ContentReader& body) {
  const auto offer = offer_in_path(request);
  if (!offer.ok()) return offer.error();
  const size_t key_bytes = (*offer)->metadata.key_bytes();
  const auto path = key_path(request);
  if (!path.ok()) return path.error();
  if (path->epoch != epoch()) {
    return Error(ErrorCode::parameter_mismatch, "keys for batches of epoch " + std::to_string(path->epoch) +
                                                    "; it is epoch " + std::to_string(epoch()) +
                                                    ": read the metadata again");
  }
  CRYPTOTL_TRY(check_length(request, key_bytes));
  BatchKeyStore::Upload upload((*offer)->keys, path->name, path->epoch);
  CRYPTOTL_TRY(upload.begin());
  CRYPTOTL_TRY(read_body(body, key_bytes, [&](ByteView bytes) {
    upload.add(bytes);
    return Status();
  }));
  CRYPTOTL_TRY(upload.finish());
  wake();  // to watch over their time
  response.status = 201;
  set_key_state(response, *path, key_bytes);
  return {};
}

Status BatchService::answer(const Request& request, Response& response, const ContentReader& body) {
  const auto found = offer_in_path(request);
  if (!found.ok()) return found.error();
  Offer& offer = **found;
  const auto path = key_path(request);
  if (!path.ok()) return path.error();
  const auto number = number_in_path(request, 5, "batch number");
  if (!number.ok()) return number.error();
  if (*number >= kBatchesAKeySet) {
    return Error(ErrorCode::too_large, "batch " + std::to_string(*number) + "; numbers below " +
                                           std::to_string(kBatchesAKeySet) +
                                           " are right, then new keys are due");
  }
  CRYPTOTL_TRY(check_length(request, offer.metadata.request_bytes()));
  auto keys = offer.keys.find(path->name, path->epoch);
  if (!keys.ok()) return keys.error();
  auto turn = runners_.take(offer.kind);
  if (!turn.ok()) return turn.error();
  // That the client had to wait for its turn is not its fault.
  HttpServer::restart_body_time();
  const auto job = std::make_shared<BatchJob>(*std::move(turn), offer.metadata, *std::move(keys), trusting_);
  job->begin(batch_seed(model_, path->epoch), *number, half_of(offer, path->epoch, *number));
  CRYPTOTL_TRY(
      read_body(body, offer.metadata.request_bytes(), [&](ByteView bytes) { return job->take(bytes); }));
  CRYPTOTL_TRY(offer.keys.claim(path->name, *number, job->digest()));
  job->run();
  BatchJob::answer(job, response);
  return {};
}

/// Of the present epoch alone: keys may outlast theirs. Batches with blocks have none.
std::shared_ptr<const BatchHalf> BatchService::half_of(const Offer& offer, uint64_t of_epoch,
                                                       uint64_t number) {
  if (offer.metadata.plan.has_blocks() || of_epoch != epoch()) return nullptr;
  return halves_.find(of_epoch, number);
}

void BatchService::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_one();
}

/// Whether there was one to be made.
bool BatchService::make_half() {
  const uint64_t now = epoch();
  const auto number = halves_.missing(now);
  if (!number) return false;
  auto turn = runners_.take_idle(offers_.back()->kind, [self = ::pthread_self()] { step_forward(self); });
  if (!turn) return false;
  std::shared_ptr<const BatchHalf> half;
  try {
    half = turn->runner().prepare(batch_seed(model_, now), *number);
  } catch (const std::bad_alloc&) {
    halves_.give_up(*number);
  }
  turn.reset();
  step_back();  // where somebody was in a hurry
  if (half) halves_.put(now, *half);
  return true;
}

BatchService::Clock::time_point BatchService::next_chore() {
  auto next = Clock::time_point::max();
  for (const auto& offer : offers_) {
    if (const auto time = offer->keys.next_expiry()) next = std::min(next, *time);
  }
  if (const auto time = runners_.next_free()) next = std::min(next, *time);
  if (halves_.missing(epoch())) next = std::min(next, runners_.next_idle());
  return next;
}

void BatchService::work() {
  step_back();
  std::unique_lock lock(mutex_);
  while (!stop_) {
    woken_ = false;
    lock.unlock();
    for (const auto& offer : offers_) offer->keys.forget_expired();
    runners_.free_unused();
    const bool made = make_half();
    const auto next = next_chore();
    lock.lock();
    const auto called = [this] { return woken_ || stop_; };
    if (made || called()) continue;
    if (next == Clock::time_point::max()) {
      changed_.wait(lock, called);
    } else {
      // Not at once again, whatever the clocks say: a turn that is taken comes free with a call of wake().
      changed_.wait_until(lock, std::max(next, Clock::now() + kShortestWait), called);
    }
  }
}

}  // namespace cryptotl
