// Filters, and records as JSON and CSV: one table of fields for both.
#include "daemons/gatewayd/audit/query.h"

#include "proto/base/json_writer.h"
#include "proto/base/utf8.h"

namespace mas::gateway::audit {
namespace {

/// Where the fields of a record go, in their order.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void text(std::string_view name, std::string_view value) = 0;
  virtual void number(std::string_view name, uint64_t value) = 0;
  virtual void texts(std::string_view name, std::span<const std::string_view> values) = 0;
};

std::string time_text(WallMicros time) {
  std::string text;
  append_rfc3339(text, time);
  return text;
}

/// Every field of a record, in the order of the columns.
void describe(Sink& sink, const Block& block, size_t index) {
  const AuditRecord& record = block.records[index];
  sink.text("time", time_text(record.time));
  sink.number("partition", block.head.partition);
  sink.number("block", block.head.number);
  sink.number("record", index);
  sink.text("decision", decision_text(record.decision));
  sink.text("sender", record.sender);
  sink.text("target", record.target);
  sink.text("type", record.type);
  sink.text("message_id", record.message_id);
  sink.text("reason", record.reason);
  sink.text("instance", record.instance == Id128{} ? "" : record.instance.hex());
  sink.number("sequence", record.sequence);
  sink.texts("detectors", record.detectors);
  sink.text("shadow_decision", record.shadow ? decision_text(record.shadow->decision) : "");
  sink.text("shadow_reason", record.shadow ? record.shadow->reason : "");
  sink.text("payload", to_hex(record.payload));
  sink.text("policy", to_hex(block.policy));
  sink.number("epoch", block.epoch);
}

/// Texts come from anybody: what is not UTF-8 becomes U+FFFD, byte by byte.
std::string valid(std::string_view text) {
  if (is_valid_utf8(text)) return std::string(text);
  std::string out;
  for (char c : text) {
    bool ascii = static_cast<unsigned char>(c) < 0x80;
    out += ascii ? std::string(1, c) : "\xef\xbf\xbd";
  }
  return out;
}

class JsonSink final : public Sink {
 public:
  explicit JsonSink(std::string& out) : json_(out) { json_.begin_object(); }
  ~JsonSink() override { json_.end_object(); }
  void text(std::string_view name, std::string_view value) override {
    json_.key(name);
    is_valid_utf8(value) ? json_.string(value) : json_.string(valid(value));
  }
  void number(std::string_view name, uint64_t value) override { json_.key(name).unsigned_integer(value); }
  void texts(std::string_view name, std::span<const std::string_view> values) override {
    json_.key(name).begin_array();
    for (std::string_view value : values) json_.string(valid(value));
    json_.end_array();
  }

 private:
  JsonWriter json_;
};

/// Whether a spreadsheet would take it for more than text. Texts come from anybody; an apostrophe in front keeps it
/// text.
bool is_formula(std::string_view value) {
  return !value.empty() && std::string_view("=+-@\t\r").find(value[0]) != std::string_view::npos;
}

class CsvSink final : public Sink {
 public:
  explicit CsvSink(std::string& out) : out_(out) {}
  ~CsvSink() override { out_ += "\r\n"; }
  void text(std::string_view, std::string_view value) override {
    separate();
    std::string guarded;
    if (is_formula(value)) value = guarded.assign("'").append(value);
    if (value.find_first_of(",\"\r\n") == std::string_view::npos) {
      out_ += value;
      return;
    }
    out_ += '"';
    for (char c : value) {
      if (c == '"') out_ += '"';
      out_ += c;
    }
    out_ += '"';
  }
  void number(std::string_view name, uint64_t value) override { text(name, std::to_string(value)); }
  void texts(std::string_view name, std::span<const std::string_view> values) override {
    std::string joined;
    for (std::string_view value : values) joined.append(joined.empty() ? "" : " ").append(value);
    text(name, joined);
  }

 private:
  void separate() {
    if (!first_) out_ += ',';
    first_ = false;
  }

  std::string& out_;
  bool first_ = true;
};

class HeadingSink final : public Sink {
 public:
  explicit HeadingSink(std::string& out) : out_(out) {}
  ~HeadingSink() override { out_ += "\r\n"; }
  void text(std::string_view name, std::string_view) override { out_.append(out_.empty() ? "" : ",").append(name); }
  void number(std::string_view name, uint64_t) override { text(name, {}); }
  void texts(std::string_view name, std::span<const std::string_view>) override { text(name, {}); }

 private:
  std::string& out_;
};

std::string make_heading() {
  Block block;
  block.records.resize(1);
  std::string heading;
  {
    HeadingSink sink(heading);
    describe(sink, block, 0);
  }
  return heading;
}

bool asks(const std::string& wanted, std::string_view value) { return wanted.empty() || wanted == value; }

}  // namespace

bool matches(const Filter& filter, const AuditRecord& record) {
  return (!filter.decision || *filter.decision == record.decision) && record.time >= filter.since &&
         record.time < filter.until && asks(filter.sender, record.sender) && asks(filter.target, record.target) &&
         asks(filter.type, record.type) && asks(filter.message_id, record.message_id);
}

void append_json(std::string& out, const Block& block, size_t index) {
  JsonSink sink(out);
  describe(sink, block, index);
}

std::string_view csv_heading() {
  static const std::string heading = make_heading();
  return heading;
}

void append_csv(std::string& out, const Block& block, size_t index) {
  CsvSink sink(out);
  describe(sink, block, index);
}

}  // namespace mas::gateway::audit
