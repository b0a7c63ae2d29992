// How much decoding and encoding an envelope costs. Run by hand; figures depend on the machine, so nothing is asserted.
//
//   bench_wire                                     nanoseconds per message, by size
//   valgrind --tool=callgrind --toggle-collect='mas::EnvelopeDecoder::decode*' bench_wire 256 100000
//                                                  instructions: divide callgrind's total by the count given
#include <cstdio>
#include <cstdlib>
#include <string>

#include "proto/base/clock.h"
#include "proto/wire/envelope.h"

using namespace mas;

namespace {

EnvelopeFields fields_with(std::string_view data) {
  EnvelopeFields fields;
  fields.sender_id = "planner-1";
  fields.target_id = "worker-7";
  fields.message_type = "sum.request";
  fields.data = data;
  fields.timestamp = 1'795'350'097'286'038;
  fields.message_id = "01a20334-6d86-7abc-8def-0123456789ab";
  return fields;
}

/// An envelope of about `bytes`, its data a few numbers and one text that fills it up.
std::string envelope_of(size_t bytes) {
  std::string frame;
  append_envelope(frame, fields_with(R"({"a":1,"b":2.5,"text":""})"));
  std::string fill(bytes > frame.size() ? bytes - frame.size() : 0, 'x');
  std::string out;
  append_envelope(out, fields_with(R"({"a":1,"b":2.5,"text":")" + fill + "\"}"));
  return out;
}

double nanoseconds_each(MonoTime start, size_t count) {
  return static_cast<double>((mono_now() - start).count()) / static_cast<double>(count);
}

void measure(size_t bytes, size_t count) {
  std::string message = envelope_of(bytes);
  EnvelopeDecoder decoder;
  size_t checksum = 0;

  MonoTime start = mono_now();
  for (size_t i = 0; i < count; ++i) checksum += decoder.decode(message)->data.size();
  double decode = nanoseconds_each(start, count);

  std::string out;
  auto fields = fields_with("{\"text\":\"" + std::string(bytes / 2, 'x') + "\"}");
  start = mono_now();
  for (size_t i = 0; i < count; ++i) {
    out.clear();
    append_envelope(out, fields);
    checksum += out.size();
  }
  std::printf("%zu bytes: decode %.0f ns, encode %.0f ns (checksum %zu)\n", message.size(), decode,
              nanoseconds_each(start, count), checksum);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3) {
    measure(std::strtoul(argv[1], nullptr, 10), std::strtoul(argv[2], nullptr, 10));
    return 0;
  }
  for (size_t bytes : {256u, 1024u, 16384u, 262144u}) measure(bytes, 64u * 1024 * 1024 / bytes);
  return 0;
}
