// Hiredis's reader building Reply nodes in an arena.
#include "proto/redis/reply.h"

#include <hiredis/hiredis.h>
#include <hiredis/read.h>
#include <hiredis/sds.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <new>
#include <span>
#include <string>
#include <utility>

#include "proto/base/secret.h"

namespace mas::redis {
namespace {

constexpr size_t kMaxArrayElements = 4u * 1024 * 1024;
constexpr unsigned kMaxArrayDepth = 7;  // hiredis 0.14 has this bound itself, 1.x has none
constexpr size_t kChunkBytes = 16 * 1024;
constexpr size_t kKeptChunkBytes = 1024 * 1024;  // a larger chunk is given back after its reply
constexpr size_t kIdleReaderBytes = 256 * 1024;  // hiredis frees a larger empty buffer

}  // namespace

/// A bump allocator: `rewind` makes all of it free again and keeps one chunk.
class ReplyReader::Arena {
 public:
  explicit Arena(size_t limit) : limit_(limit) {}

  /// @return memory fit for a Reply; nullptr past the limit or without memory.
  void* allocate(size_t size) {
    size = (size + alignof(std::max_align_t) - 1) & ~(alignof(std::max_align_t) - 1);
    if (size > limit_ - std::min(limit_, total_)) return nullptr;
    total_ += size;
    if (chunks_.empty() || used_ + size > chunks_.back().size) {
      size_t wanted = std::max({size, kChunkBytes, chunks_.empty() ? 0 : chunks_.back().size * 2});
      auto* bytes = new (std::nothrow) std::byte[wanted];
      if (bytes == nullptr) return nullptr;
      chunks_.push_back({std::unique_ptr<std::byte[]>(bytes), wanted});
      used_ = 0;
    }
    void* memory = chunks_.back().bytes.get() + used_;
    used_ += size;
    return memory;
  }

  void rewind() {
    if (chunks_.size() > 1) chunks_.erase(chunks_.begin(), chunks_.end() - 1);
    if (!chunks_.empty() && chunks_[0].size > kKeptChunkBytes) chunks_.clear();
    used_ = 0;
    total_ = 0;
  }

  /// Overwrites what is free: behind what a reply of which a part has come takes up.
  void wipe_free() {
    if (chunks_.empty()) return;
    const auto& last = chunks_.back();
    mas::wipe(std::span(reinterpret_cast<char*>(last.bytes.get()), last.size).subspan(used_));
  }

  /// A text of more than `most` bytes is left out: an integer stands in its place, its length.
  void bound_texts(size_t most) { most_text_bytes_ = most; }
  bool leaves_out(uint64_t bytes) const { return most_text_bytes_ != 0 && bytes > most_text_bytes_; }
  /// The next nil stands for a text that was left out.
  void left_out(uint64_t bytes) { left_out_ = bytes; }
  std::optional<uint64_t> take_left_out() { return std::exchange(left_out_, std::nullopt); }

  /// The node for a task of hiredis: a slot of the parent's array, or a new root.
  Reply* node(const redisReadTask* task) {
    if (task->parent != nullptr) {
      auto* parent = static_cast<Reply*>(task->parent->obj);
      return const_cast<Reply*>(parent->first) + task->idx;
    }
    void* memory = allocate(sizeof(Reply));
    return memory == nullptr ? nullptr : new (memory) Reply();
  }

  bool text(Reply* reply, std::string_view bytes) {
    auto* copy = static_cast<char*>(allocate(bytes.size() + 1));
    if (copy == nullptr) return false;
    std::memcpy(copy, bytes.data(), bytes.size());
    copy[bytes.size()] = '\0';
    reply->text = {copy, bytes.size()};
    return true;
  }

  bool array(Reply* reply, size_t count) {
    if (count > kMaxArrayElements) return false;
    auto* elements = static_cast<Reply*>(allocate(count * sizeof(Reply)));
    if (elements == nullptr) return false;
    std::uninitialized_default_construct_n(elements, count);
    reply->first = elements;
    reply->count = count;
    return true;
  }

 private:
  struct Chunk {
    std::unique_ptr<std::byte[]> bytes;
    size_t size;
  };
  std::vector<Chunk> chunks_;
  size_t limit_;
  size_t used_ = 0;   // of the last chunk
  size_t total_ = 0;  // since rewind
  size_t most_text_bytes_ = 0;
  std::optional<uint64_t> left_out_;
};

namespace {

ReplyReader::Arena& arena_of(const redisReadTask* task) { return *static_cast<ReplyReader::Arena*>(task->privdata); }

void* create_integer(const redisReadTask* task, long long value) {
  Reply* reply = arena_of(task).node(task);
  if (reply == nullptr) return nullptr;
  reply->type = Reply::Type::kInteger;
  reply->integer = value;
  return reply;
}

void* create_string(const redisReadTask* task, char* bytes, size_t size) {
  if (task->type == REDIS_REPLY_STRING && arena_of(task).leaves_out(size))
    return create_integer(task, static_cast<long long>(size));
  Reply* reply = arena_of(task).node(task);
  if (reply == nullptr || !arena_of(task).text(reply, {bytes, size})) return nullptr;
  switch (task->type) {
    case REDIS_REPLY_STRING:
      reply->type = Reply::Type::kString;
      return reply;
    case REDIS_REPLY_STATUS:
      reply->type = Reply::Type::kStatus;
      return reply;
    case REDIS_REPLY_ERROR:
      reply->type = Reply::Type::kError;
      return reply;
    default:  // a RESP3 type: this side never asked for RESP3
      return nullptr;
  }
}

#if HIREDIS_MAJOR >= 1
using ElementCount = size_t;
#else
using ElementCount = int;
#endif

bool too_deep(const redisReadTask* task) {
  unsigned depth = 0;
  for (; task != nullptr; task = task->parent) ++depth;
  return depth > kMaxArrayDepth;
}

void* create_array(const redisReadTask* task, ElementCount count) {
  if (task->type != REDIS_REPLY_ARRAY || too_deep(task)) return nullptr;
  Reply* reply = arena_of(task).node(task);
  if (reply == nullptr || !arena_of(task).array(reply, static_cast<size_t>(count))) return nullptr;
  reply->type = Reply::Type::kArray;
  return reply;
}

void* create_nil(const redisReadTask* task) {
  if (auto bytes = arena_of(task).take_left_out()) return create_integer(task, static_cast<long long>(*bytes));
  Reply* reply = arena_of(task).node(task);
  if (reply != nullptr) reply->type = Reply::Type::kNil;
  return reply;
}

void free_object(void*) {}  // the arena frees

const redisReadTask& task_at_hand(const redisReader& reader) {
#if HIREDIS_MAJOR >= 1
  return *reader.task[reader.ridx];
#else
  return reader.rstack[reader.ridx];
#endif
}

#if HIREDIS_MAJOR >= 1
void* create_double(const redisReadTask*, double, char*, size_t) { return nullptr; }
void* create_bool(const redisReadTask*, int) { return nullptr; }
redisReplyObjectFunctions functions = {create_string, create_array, create_integer, create_double,
                                       create_nil,    create_bool,  free_object};
#else
redisReplyObjectFunctions functions = {create_string, create_array, create_integer, create_nil, free_object};
#endif

}  // namespace

ReplyReader::ReplyReader(ReplyLimits limits)
    : arena_(std::make_unique<Arena>(limits.reply_bytes)),
      limits_(limits),
      reader_(redisReaderCreateWithFunctions(&functions)) {
  if (reader_ == nullptr) throw std::bad_alloc();
  reader_->privdata = arena_.get();
  reader_->maxbuf = kIdleReaderBytes;
}

ReplyReader::~ReplyReader() { redisReaderFree(reader_); }

void ReplyReader::bound_texts(size_t most) { arena_->bound_texts(most); }

Status ReplyReader::feed(std::string_view bytes) {
  const auto dropped = static_cast<size_t>(std::min<uint64_t>(dropping_, bytes.size()));
  dropping_ -= dropped;
  bytes.remove_prefix(dropped);
  if (bytes.empty()) return {};
  if (reader_->len - reader_->pos + bytes.size() > limits_.reply_bytes)
    return Error{Errc::kProtocol, "a reply exceeds " + std::to_string(limits_.reply_bytes) + " bytes"};
  if (redisReaderFeed(reader_, bytes.data(), bytes.size()) == REDIS_OK) return {};
  return Error{Errc::kNoMemory, "no memory for a reply"};
}

Result<const Reply*> ReplyReader::next() {
  if (handed_out_) arena_->rewind();
  handed_out_ = false;
  void* reply = nullptr;
  do {
    if (redisReaderGetReply(reader_, &reply) != REDIS_OK)
      return Error{Errc::kProtocol, std::string("not a RESP2 reply, or one past a limit: ") + reader_->errstr};
  } while (reply == nullptr && leave_out_text());
  handed_out_ = reply != nullptr;
  if (reply == nullptr && text_too_large())
    return Error{Errc::kTooLarge, "a text of " + std::to_string(oversized_.bytes) + " bytes; expected at most " +
                                      std::to_string(limits_.text_bytes)};
  return static_cast<const Reply*>(reply);
}

void ReplyReader::wipe() {
  if (std::exchange(handed_out_, false)) arena_->rewind();
  arena_->wipe_free();
  const auto read = std::span(reader_->buf, reader_->pos);
  const auto behind = std::span(reader_->buf + reader_->len, sdsalloc(reader_->buf) - reader_->len);
  mas::wipe(read);
  mas::wipe(behind);
}

bool ReplyReader::in_reply() const { return reader_->ridx >= 0 || reader_->len > reader_->pos || dropping_ > 0; }

/// A bulk string of which the end has not come.
struct ReplyReader::IncompleteText {
  uint64_t bytes;          // as its length says, which stands before its bytes
  size_t header;           // bytes of the length and its line end
  std::string_view begin;  // what has come of it
};

std::optional<ReplyReader::IncompleteText> ReplyReader::incomplete_text() const {
  if (reader_->ridx < 0 || task_at_hand(*reader_).type != REDIS_REPLY_STRING) return std::nullopt;
  std::string_view held(reader_->buf + reader_->pos, reader_->len - reader_->pos);
  const size_t end = held.find("\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  uint64_t bytes = 0;
  auto [last, status] = std::from_chars(held.data(), held.data() + end, bytes);
  if (status != std::errc() || last != held.data() + end) return std::nullopt;
  return IncompleteText{bytes, end + 2, held.substr(end + 2)};
}

/// Puts a nil, for which create_nil() puts the length, in the place of a text that is too long for bound_texts().
/// @return whether there was one.
bool ReplyReader::leave_out_text() {
  static constexpr std::string_view kNil = "-1\r\n";
  const auto text = incomplete_text();
  if (!text || !arena_->leaves_out(text->bytes)) return false;
  const auto held = static_cast<size_t>(std::min<uint64_t>(text->bytes + 2, text->begin.size()));
  if (text->header + held < kNil.size()) return false;  // more has to come first
  dropping_ = text->bytes + 2 - held;
  reader_->pos += text->header + held - kNil.size();
  std::memcpy(reader_->buf + reader_->pos, kNil.data(), kNil.size());
  arena_->left_out(text->bytes);
  return true;
}

/// The error waits until the text's head has come, too.
bool ReplyReader::text_too_large() {
  const auto text = incomplete_text();
  if (!text || text->bytes <= limits_.text_bytes) return false;
  const auto head = static_cast<size_t>(std::min<uint64_t>(text->bytes, OversizedText::kHeadBytes));
  if (text->begin.size() < head) return false;
  oversized_.bytes = text->bytes;
  oversized_.head = text->begin.substr(0, head);
  return true;
}

std::string_view Reply::error_code() const {
  if (type != Type::kError) return {};
  size_t end = 0;
  while (end < text.size() && ((text[end] >= 'A' && text[end] <= 'Z') || text[end] == '_')) ++end;
  return text.substr(0, end);
}

Error error_of(const Reply& reply) {
  static constexpr std::string_view kUnavailable[] = {"LOADING",  "READONLY",    "OOM",        "MASTERDOWN", "BUSY",
                                                      "TRYAGAIN", "CLUSTERDOWN", "NOREPLICAS", "MISCONF"};
  static constexpr std::string_view kAuth[] = {"NOAUTH", "WRONGPASS", "NOPERM"};
  auto is_one_of = [code = reply.error_code()](const auto& table) {
    return std::find(std::begin(table), std::end(table), code) != std::end(table);
  };
  Errc errc = is_one_of(kUnavailable) ? Errc::kUnavailable : is_one_of(kAuth) ? Errc::kAuthFailed : Errc::kRefused;
  return Error{errc, "Redis: " + std::string(reply.text.substr(0, 512))};
}

}  // namespace mas::redis
