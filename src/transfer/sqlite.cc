#include "transfer/sqlite.h"

#include <algorithm>

namespace cryptotl {

SqliteFile::SqliteFile(const std::filesystem::path& path, int wait_ms) : path_(path) {
  sqlite3* connection = nullptr;
  // One thread at a time uses a connection, so SQLite need not lock it.
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
  const int code = sqlite3_open_v2(path.c_str(), &connection, flags, nullptr);
  connection_.reset(connection);  // even a failed open gives one, which tells why
  check(code);
  sqlite3_extended_result_codes(connection, 1);
  check(sqlite3_busy_timeout(connection, wait_ms));
  // The file's owner may be deceived about its contents: it may neither run functions nor rewrite its own
  // schema.
  sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
}

void SqliteFile::check(int code, int wanted) const {
  if (code == wanted) return;
  const std::string start = path_.string() + ": ";
  const std::string why = connection_ ? sqlite3_errmsg(connection_.get()) : sqlite3_errstr(code);
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR:  // statements of ours are right, so what they are run on is not
    case SQLITE_CONSTRAINT:
    case SQLITE_SCHEMA:
      throw Error(ErrorCode::malformed, start + "damaged (" + why + ")");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw Error(ErrorCode::resource_exhausted, start + "another process holds it");
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      throw Error(ErrorCode::invalid_argument, start + "cannot be written (" + why + ")");
    default:
      throw Error(ErrorCode::resource_exhausted, start + why);
  }
}

void SqliteFile::run(const char* sql) { check(sqlite3_exec(handle(), sql, nullptr, nullptr, nullptr)); }

int64_t SqliteFile::number(const char* sql) {
  SqliteStatement statement(*this, sql);
  return statement.step() ? statement.number(0) : 0;
}

Bytes SqliteFile::first_bytes(size_t count) const {
  sqlite3_file* file = nullptr;
  check(sqlite3_file_control(handle(), "main", SQLITE_FCNTL_FILE_POINTER, &file));
  sqlite3_int64 size = 0;
  check(file->pMethods->xFileSize(file, &size));
  Bytes bytes(std::min(count, static_cast<size_t>(size)));
  if (!bytes.empty()) check(file->pMethods->xRead(file, bytes.data(), static_cast<int>(bytes.size()), 0));
  return bytes;
}

bool SqliteFile::is_read_only() const { return sqlite3_db_readonly(handle(), "main") != 0; }

SqliteStatement::SqliteStatement(const SqliteFile& file, const char* sql) : file_(&file) {
  sqlite3_stmt* statement = nullptr;
  file.check(sqlite3_prepare_v3(file.handle(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr));
  statement_.reset(statement);
}

SqliteStatement& SqliteStatement::bind(int index, int64_t value) {
  file_->check(sqlite3_bind_int64(statement_.get(), index, value));
  return *this;
}

SqliteStatement& SqliteStatement::bind(int index, ByteView bytes) {
  file_->check(sqlite3_bind_blob64(statement_.get(), index, bytes.data(), bytes.size(), SQLITE_STATIC));
  return *this;
}

bool SqliteStatement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  reset();
  file_->check(code, SQLITE_DONE);
  return false;
}

void SqliteStatement::run() {
  while (step()) {
  }
}

void SqliteStatement::reset() { sqlite3_reset(statement_.get()); }

ByteView SqliteStatement::bytes(int column) const {
  // In this order, as SQLite asks for.
  const void* const data = sqlite3_column_blob(statement_.get(), column);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column));
  return {static_cast<const uint8_t*>(data), size};
}

}  // namespace cryptotl
