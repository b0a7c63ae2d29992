// client: asks the server once, and exports the request as a span.
//
//   usage: example_traced_client
//   exit code: 0 it was answered; 1 it was not, with the reason
#include <memory>

#include "../example.hpp"
#include "otlp_exporter.h"

int main() {
  return example::main("client", [] {
    const auto end = [](otlp_exporter *exporter) {
      if (const unsigned long lost = otlp_exporter_end(exporter, 5000); lost > 0)
        std::cerr << "spans lost: " << lost << std::endl;
    };
    const std::unique_ptr<otlp_exporter, decltype(end)> exporter(otlp_exporter_new("client"), end);
    if (exporter == nullptr) throw std::runtime_error("no memory for the exporter");
    mas::Agent client("client");  // freed before the exporter
    mas::check(otlp_exporter_observe(exporter.get(), client.get()));
    client.start();
    std::cout << client.request("oracle", "ask", {}, std::chrono::seconds(5)).data() << std::endl;
    client.stop();
    return 0;
  });
}
