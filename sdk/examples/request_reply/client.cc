// client: asks the server to convert some temperatures, all at once, and prints what came of each request.
//
//   usage: example_convert_client CELSIUS...
//   exit code: 0 all were converted; 1 some were not, with a sentence for each
#include <cstdlib>
#include <utility>
#include <vector>

#include "../example.hpp"
#include "messages.hpp"

static bool print(double celsius, std::future<Converted> future) {
  try {
    std::cout << celsius << " °C are " << future.get().fahrenheit << " °F" << std::endl;
    return true;
  } catch (const mas::Error &error) {
    std::cerr << celsius << " °C: ";
    if (error.status() == MAS_NO_RECEIVER)  // at once: nobody listens
      std::cerr << "the server does not run" << std::endl;
    else if (error.status() == MAS_TIMEOUT)  // it may have done the work all the same
      std::cerr << "no answer within 2 seconds" << std::endl;
    else
      std::cerr << error.what() << std::endl;
    return false;
  }
}

int main(int argc, char **argv) {
  return example::main("client", [&] {
    mas::Agent client("client");
    example::Started started(client);
    std::vector<std::pair<double, std::future<Converted>>> asked;
    for (int i = 1; i < argc; ++i) {
      Convert request{std::atof(argv[i])};
      asked.emplace_back(request.celsius,
                         client.request<Converted>("converter", "convert", request, std::chrono::seconds(2)));
    }
    bool all = true;
    for (auto &[celsius, future] : asked) all &= print(celsius, std::move(future));
    return all ? 0 : 1;
  });
}
