// server: converts degrees for whoever asks. The struct says what a request must hold; the rest never reaches the
// handler.
//
//   usage: example_convert_server
#include "../example.hpp"
#include "messages.hpp"

int main() {
  return example::main("server", [] {
    mas::Agent server("converter");
    server.on<Convert>("convert", [](const mas::Message &message, const Convert &request) {
      message.reply("converted", Converted{request.celsius * 9 / 5 + 32});
    });
    example::run(server, "server");
    return 0;
  });
}
