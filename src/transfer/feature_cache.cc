#include "cryptotl/transfer/feature_cache.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <nlohmann/json.hpp>

#include "cryptotl/transfer/plan_file.h"
#include "transfer/cache_file.h"
#include "transfer/sqlite.h"

namespace cryptotl {
namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr int kWaitMilliseconds = 5'000;
constexpr auto kFlushTime = std::chrono::seconds(1);
/// What a row takes in the file at most, beyond its features: two pages that it fills in part.
constexpr size_t kRowOverhead = 8192;

/// Features stand in a table of their own, so that noting the use of a row does not write them again.
constexpr std::array kSchema = {
    "CREATE TABLE runs (last INTEGER NOT NULL)",
    "CREATE TABLE origins (id INTEGER PRIMARY KEY, model BLOB NOT NULL, plan BLOB NOT NULL, UNIQUE (model, "
    "plan))",
    "CREATE TABLE inputs (id INTEGER PRIMARY KEY, origin INTEGER NOT NULL, input BLOB NOT NULL, used INTEGER "
    "NOT NULL, "
    "UNIQUE (origin, input))",
    "CREATE INDEX inputs_by_use ON inputs (used)",
    "CREATE TABLE features (id INTEGER PRIMARY KEY, flagged INTEGER NOT NULL, features BLOB NOT NULL, "
    "digest BLOB NOT NULL)"};

ByteView bytes_of(std::span<const double> values) {
  return {reinterpret_cast<const uint8_t*>(values.data()), values.size_bytes()};
}

/// What a function that throws gives as a Result.
template <typename Work>
auto guarded(const Work& work) -> Result<decltype(work())> {
  try {
    return work();
  } catch (const Error& error) {
    return error;
  }
}

Error refused(const SqliteFile& file, ErrorCode code, const std::string& what) {
  return Error(code, file.path().string() + ": " + what);
}

void make_schema(SqliteFile& file) {
  for (const char* const statement : kSchema) file.run(statement);
  file.run("INSERT INTO runs VALUES (0)");
  file.run(("PRAGMA application_id = " + std::to_string(kCacheApplication)).c_str());
  file.run(("PRAGMA user_version = " + std::to_string(kCacheVersion)).c_str());
}

void check_schema(SqliteFile& file) {
  const int64_t version = file.number("PRAGMA user_version");
  if (version != kCacheVersion) {
    throw refused(file, ErrorCode::unsupported_version,
                  "a feature cache of format version " + std::to_string(version) +
                      "; this build uses version " + std::to_string(kCacheVersion) +
                      ": --cache names another file");
  }
  SqliteStatement statement(file, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY sql");
  std::vector<std::string> sorted(kSchema.begin(), kSchema.end());
  std::ranges::sort(sorted);  // VACUUM changes the order
  bool same = true;
  for (const std::string& expected : sorted) same = same && statement.step() && statement.text(0) == expected;
  if (!same || statement.step())
    throw refused(file, ErrorCode::malformed, "damaged (its tables are not ours)");
}

/// The file at a resolved path, checked; an empty one gets its tables.
SqliteFile open_checked(const fs::path& path) {
  check_cache_owner(path).value();
  SqliteFile file(path, kWaitMilliseconds);
  const Bytes header = file.first_bytes(kCacheHeaderBytes);
  if (!header.empty() && !is_cache_header(header)) {
    throw refused(file, ErrorCode::malformed,
                  "no feature cache (or its beginning is damaged); it is left as it is");
  }
  if (file.is_read_only())
    throw refused(file, ErrorCode::invalid_argument, "the feature cache cannot be written");
  // With a rollback journal one file is all that stays; deleted features are overwritten; nothing goes to
  // TMPDIR.
  file.run(
      "PRAGMA journal_mode = DELETE; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; "
      "PRAGMA cell_size_check = ON");
  {
    SqliteTransaction transaction(file);
    if (file.number("SELECT count(*) FROM sqlite_schema") == 0) make_schema(file);
    transaction.commit();
  }
  check_schema(file);
  return file;
}

/// What helps where a cache is refused, beside what the message says.
Error with_advice(const Error& error) {
  std::string what = error.what();
  if (error.code() == ErrorCode::malformed && what.find("damaged (") != std::string::npos)
    what += "; cryptotl cache --clear removes it, --no-cache does without";
  return Error(error.code(), what);
}

}  // namespace

Digest input_digest(std::span<const double> scaled_row) { return digest(bytes_of(scaled_row)); }

struct FeatureCache::State {
  struct Pending {
    Digest input;
    bool flagged;
    std::vector<double> features;  ///< zeros where flagged: room and time must not depend on it
    Digest digest;
  };

  State(const fs::path& path, const ModelMetadata& metadata, size_t bytes)
      : file(open_checked(path)),
        limit(bytes),
        width(metadata.plan.output_width()),
        model(metadata.model_digest),
        plan(plan_digest(metadata.plan)) {
    SqliteTransaction transaction(file);
    run = file.number("UPDATE runs SET last = last + 1 RETURNING last");
    SqliteStatement add(file, "INSERT INTO origins (model, plan) VALUES (?, ?) ON CONFLICT DO NOTHING");
    add.bind(1, model).bind(2, plan).run();
    SqliteStatement get(file, "SELECT id FROM origins WHERE model = ? AND plan = ?");
    get.bind(1, model).bind(2, plan);
    get.step();
    origin = get.number(0);
    get.reset();
    transaction.commit();
  }

  Digest row_digest(const Digest& input, bool flagged, ByteView features) const {
    const auto flag = static_cast<uint8_t>(flagged);
    return Hasher()
        .add(as_bytes("cryptotl/features/1"))
        .add(model)
        .add(plan)
        .add(input)
        .add({&flag, 1})
        .add(features)
        .finish();
  }

  std::optional<CachedFeatures> find(const Digest& input);
  void write();
  void note_uses();
  void make_room();
  void insert();

  SqliteFile file;
  const size_t limit;
  const size_t width;
  const Digest model, plan;
  int64_t run = 0;     ///< counts the times that the file was opened
  int64_t origin = 0;  ///< the row of model and plan
  std::vector<int64_t> used;
  std::vector<Pending> pending;
  Clock::time_point last_write = Clock::now();
  size_t kept = 0;
  size_t damaged = 0;
  std::string trouble;  ///< why nothing is kept any more
};

std::optional<CachedFeatures> FeatureCache::State::find(const Digest& input) {
  SqliteStatement statement(file,
                            "SELECT inputs.id, flagged, features, digest FROM inputs "
                            "LEFT JOIN features ON features.id = inputs.id WHERE origin = ? AND input = ?");
  statement.bind(1, origin).bind(2, input);
  if (!statement.step()) return std::nullopt;
  CachedFeatures out;
  out.flagged = statement.number(1) != 0;
  const ByteView bytes = statement.bytes(2);
  const Digest expected = row_digest(input, out.flagged, bytes);
  if (bytes.size() != width * sizeof(double) || as_text(statement.bytes(3)) != as_text(expected)) {
    ++damaged;
    return std::nullopt;
  }
  if (!out.flagged) {
    out.features.resize(width);
    std::memcpy(out.features.data(), bytes.data(), bytes.size());
  }
  used.push_back(statement.number(0));
  return out;
}

void FeatureCache::State::write() {
  last_write = Clock::now();
  if (!trouble.empty() || (pending.empty() && used.empty())) return;
  try {
    SqliteTransaction transaction(file);
    note_uses();
    if (!pending.empty()) make_room();
    insert();
    transaction.commit();
    kept += pending.size();
  } catch (const Error& error) {
    trouble = std::string("features are no longer kept: ") + error.what();
  }
  pending.clear();
  used.clear();
}

void FeatureCache::State::note_uses() {
  SqliteStatement statement(file, "UPDATE inputs SET used = max(used, ?) WHERE id = ?");
  for (const int64_t id : used) statement.bind(1, run).bind(2, id).run();
}

void FeatureCache::State::make_room() {
  const size_t wanted = pending.size() * (width * sizeof(double) + kRowOverhead);
  SqliteStatement oldest(file, "SELECT id FROM inputs WHERE used < ? ORDER BY used, id LIMIT ?");
  SqliteStatement remove_input(file, "DELETE FROM inputs WHERE id = ?");
  SqliteStatement remove_features(file, "DELETE FROM features WHERE id = ?");
  const auto taken = [&] {
    return static_cast<size_t>((file.number("PRAGMA page_count") - file.number("PRAGMA freelist_count")) *
                               file.number("PRAGMA page_size"));
  };
  while (taken() + wanted > limit) {
    std::vector<int64_t> ids;
    oldest.bind(1, run).bind(2, static_cast<int64_t>(pending.size()));
    while (oldest.step()) ids.push_back(oldest.number(0));
    if (ids.empty()) {
      throw refused(file, ErrorCode::resource_exhausted,
                    "full with its limit of " + std::to_string(limit) + " bytes (--cache-limit)");
    }
    for (const int64_t id : ids) {
      remove_features.bind(1, id).run();
      remove_input.bind(1, id).run();
    }
  }
}

void FeatureCache::State::insert() {
  // A row that another process has added meanwhile, or that is damaged, is replaced.
  SqliteStatement add_input(file,
                            "INSERT INTO inputs (origin, input, used) VALUES (?, ?, ?) "
                            "ON CONFLICT DO UPDATE SET used = max(used, excluded.used) RETURNING id");
  SqliteStatement add_features(
      file, "INSERT OR REPLACE INTO features (id, flagged, features, digest) VALUES (?, ?, ?, ?)");
  for (const Pending& row : pending) {
    add_input.bind(1, origin).bind(2, row.input).bind(3, run);
    add_input.step();
    const int64_t id = add_input.number(0);
    add_input.run();
    add_features.bind(1, id)
        .bind(2, row.flagged ? 1 : 0)
        .bind(3, bytes_of(row.features))
        .bind(4, row.digest)
        .run();
  }
}

FeatureCache::FeatureCache(std::unique_ptr<State> state) : state_(std::move(state)) {}
FeatureCache::FeatureCache(FeatureCache&&) noexcept = default;
FeatureCache& FeatureCache::operator=(FeatureCache&& other) noexcept {
  if (this == &other) return *this;
  if (state_) state_->write();
  state_ = std::move(other.state_);
  return *this;
}
FeatureCache::~FeatureCache() {
  if (state_) state_->write();
}

Result<FeatureCache> FeatureCache::open(const fs::path& path, const ModelMetadata& model, size_t limit) {
  const auto resolved = resolve_cache_path(path);
  if (!resolved.ok()) return resolved.error();
  CRYPTOTL_TRY(make_cache_file(*resolved));
  auto out = guarded([&] { return FeatureCache(std::make_unique<State>(*resolved, model, limit)); });
  if (!out.ok()) return with_advice(out.error());
  return out;
}

const fs::path& FeatureCache::path() const { return state_->file.path(); }

std::optional<CachedFeatures> FeatureCache::find(const Digest& input) {
  try {
    return state_->find(input);
  } catch (const Error& error) {
    throw with_advice(error);
  }
}

void FeatureCache::add(const Digest& input, std::span<const double> features) {
  State& state = *state_;
  if (!state.trouble.empty()) return;
  const bool flagged = features.empty();
  CRYPTOTL_ASSERT(flagged || features.size() == state.width);
  State::Pending row{input, flagged, {features.begin(), features.end()}, {}};
  row.features.resize(state.width);
  row.digest = state.row_digest(row.input, flagged, bytes_of(row.features));
  state.pending.push_back(std::move(row));
  if (Clock::now() - state.last_write >= kFlushTime) state.write();
}

void FeatureCache::flush() { state_->write(); }

void FeatureCache::forget() {
  State& state = *state_;
  state.pending.clear();
  state.used.clear();
  try {
    SqliteTransaction transaction(state.file);
    SqliteStatement features(state.file,
                             "DELETE FROM features WHERE id IN (SELECT id FROM inputs WHERE origin = ?)");
    features.bind(1, state.origin).run();
    SqliteStatement(state.file, "DELETE FROM inputs WHERE origin = ?").bind(1, state.origin).run();
    transaction.commit();
    if (state.file.number("SELECT count(*) FROM inputs") == 0) state.file.run("VACUUM");
  } catch (const Error& error) {
    state.trouble = std::string("kept features could not be removed: ") + error.what();
  }
}

size_t FeatureCache::kept() const { return state_->kept; }

std::vector<std::string> FeatureCache::warnings() const {
  std::vector<std::string> out;
  const State& state = *state_;
  if (state.damaged > 0) {
    out.push_back(std::to_string(state.damaged) + (state.damaged == 1 ? " row of " : " rows of ") +
                  path().string() + (state.damaged == 1 ? " was" : " were") + " damaged and asked for again");
  }
  if (!state.trouble.empty()) out.push_back(state.trouble);
  return out;
}

Status check_feature_cache(const fs::path& path) {
  const auto resolved = resolve_cache_path(path);
  if (!resolved.ok()) return resolved.error();
  std::error_code failure;
  if (fs::symlink_status(*resolved, failure).type() == fs::file_type::not_found) return {};
  const auto opened = guarded([&] { return open_checked(*resolved).is_read_only(); });
  if (!opened.ok()) return with_advice(opened.error());
  return {};
}

Result<Json> describe_feature_cache(const fs::path& path) {
  const auto resolved = resolve_cache_path(path);
  if (!resolved.ok()) return resolved.error();
  auto out = guarded([&] {
    SqliteFile file = open_checked(*resolved);
    Json models = Json::array();
    SqliteStatement statement(file,
                              "SELECT model, plan, count(*) FROM inputs JOIN origins ON origins.id = origin "
                              "GROUP BY origin ORDER BY origin");
    while (statement.step()) {
      models.push_back({{"model_digest", hex(statement.bytes(0))},
                        {"plan_digest", hex(statement.bytes(1))},
                        {"rows", statement.number(2)}});
    }
    return Json{{"kind", "feature cache"},
                {"format_version", kCacheVersion},
                {"rows", file.number("SELECT count(*) FROM inputs")},
                {"flagged_rows", file.number("SELECT count(*) FROM features WHERE flagged <> 0")},
                {"bytes", fs::file_size(*resolved)},
                {"models", models}};
  });
  if (!out.ok()) return with_advice(out.error());
  return out;
}

Status remove_feature_cache(const fs::path& path) {
  const auto resolved = resolve_cache_path(path);
  if (!resolved.ok()) return resolved.error();
  CRYPTOTL_TRY(check_cache_owner(*resolved, true));
  const auto removed = guarded([&] {
    SqliteFile file(*resolved, kWaitMilliseconds);
    const Bytes header = file.first_bytes(kCacheHeaderBytes);
    if (!header.empty() && !is_cache_header(header))
      throw refused(file, ErrorCode::malformed, "no feature cache; it is left as it is");
    // Whoever writes holds a journal beside the file, which must not be left to the next one of this name.
    const int code = sqlite3_exec(file.handle(), "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr);
    if ((code & 0xff) == SQLITE_BUSY) file.check(code);
    if (::unlink(resolved->c_str()) != 0)
      throw Error(ErrorCode::invalid_argument, "cannot remove " + resolved->string());
    ::unlink((resolved->string() + "-journal").c_str());
    return true;
  });
  if (!removed.ok()) return removed.error();
  return {};
}

}  // namespace cryptotl
