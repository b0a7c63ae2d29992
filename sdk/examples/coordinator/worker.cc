// worker: squares numbers, slowly. Start as many as you like, under different ids, and kill them as you like.
//
//   usage: example_worker ID [SECONDS]        for each number; default 0.1
#include <cstdlib>
#include <thread>

#include "../example.hpp"
#include "messages.hpp"

int main(int argc, char **argv) {
  if (argc < 2) {
    std::cerr << "usage: example_worker ID [SECONDS]" << std::endl;
    return 2;
  }
  return example::main(argv[1], [&] {
    std::chrono::duration<double> slowness(argc > 2 ? std::atof(argv[2]) : 0.1);
    mas::Agent worker(argv[1], mas::Options().capability("square"));
    worker.on<Task>("square", [slowness](const mas::Message &message, const Task &task) {
      std::this_thread::sleep_for(slowness);
      message.reply("squared", Squared{task.number * task.number});
    });
    example::run(worker, argv[1]);
    return 0;
  });
}
