#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <string>

#include "cryptotl/base/bytes.h"

namespace cryptotl {

/// One connection to an SQLite file that is there already. Every function throws an Error that names the file
/// and says what to do: malformed for damaged bytes, resource_exhausted where others hold the file or there
/// is no room, invalid_argument where it cannot be written. Not thread-safe.
class SqliteFile {
 public:
  /// Waits for other processes up to `wait_ms` in every call.
  explicit SqliteFile(const std::filesystem::path& path, int wait_ms);

  /// Runs statements without parameters and results.
  void run(const char* sql);
  /// The one number that a statement gives.
  int64_t number(const char* sql);
  /// The first bytes of the file, at most `count`, read as SQLite reads it: to open the file once more would
  /// let go of the locks that other connections of this process have on it.
  Bytes first_bytes(size_t count) const;
  bool is_read_only() const;

  sqlite3* handle() const { return connection_.get(); }
  /// Throws unless `code` is `wanted`.
  void check(int code, int wanted = SQLITE_OK) const;
  const std::filesystem::path& path() const { return path_; }

 private:
  struct Close {
    void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
  };
  std::filesystem::path path_;
  std::unique_ptr<sqlite3, Close> connection_;
};

/// A prepared statement; parameters and columns are counted as SQLite does, from 1 and from 0.
class SqliteStatement {
 public:
  SqliteStatement(const SqliteFile& file, const char* sql);

  SqliteStatement& bind(int index, int64_t value);
  /// The bytes must outlive the next run.
  SqliteStatement& bind(int index, ByteView bytes);

  /// Whether there is a (further) row. After the last one the statement is ready to be bound anew.
  bool step();
  /// Runs a statement that gives no row.
  void run();
  /// Ready to be bound anew, wherever it stood.
  void reset();

  int64_t number(int column) const { return sqlite3_column_int64(statement_.get(), column); }
  /// Valid until the next step.
  ByteView bytes(int column) const;
  std::string text(int column) const { return std::string(as_text(bytes(column))); }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  const SqliteFile* file_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// BEGIN IMMEDIATE; rolled back unless committed.
class SqliteTransaction {
 public:
  explicit SqliteTransaction(SqliteFile& file) : file_(&file) { file.run("BEGIN IMMEDIATE"); }
  ~SqliteTransaction() {
    // What broke the transaction may have rolled it back already.
    if (file_ != nullptr) sqlite3_exec(file_->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;

  void commit() {
    file_->run("COMMIT");
    file_ = nullptr;
  }

 private:
  SqliteFile* file_;
};

}  // namespace cryptotl
