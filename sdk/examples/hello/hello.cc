// hello: an agent that greets whoever says hello.
#include <iostream>
#include <mas.hpp>

int main() {
  try {
    mas::Agent agent("greeter");
    agent.on_message("hello", [](const mas::Message &message) {
      std::string sender(message.sender());
      std::cout << "hello from " << sender << std::endl;
      message.reply("greeting", R"({"text":"Hello, )" + sender + R"(!"})");
    });
    agent.start();
    std::cout << "ready" << std::endl;
    agent.run();
  } catch (const std::exception &error) {
    std::cerr << "hello: " << error.what() << std::endl;
    return 1;
  }
}
