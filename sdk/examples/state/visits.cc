// visits: counts how often it was started, and remembers who came last. Typed state keeps both between the starts.
//
//   usage: example_visits NAME
#include "../example.hpp"

struct Visits {
  int64_t count = 0;
  std::string last = "nobody";
};
MAS_STRUCT(Visits, count, last)

int main(int argc, char **argv) {
  if (argc != 2) {
    std::cerr << "usage: example_visits NAME" << std::endl;
    return 2;
  }
  return example::main("visits", [&] {
    mas::Agent agent("visits");
    mas::State<Visits> visits(agent);
    example::Started started(agent);  // loads the state
    std::string before = visits->last;
    visits->count++;
    visits->last = argv[1];
    visits.save();
    std::cout << "visit " << visits->count << " is by " << visits->last << ", the one before was by " << before
              << std::endl;
    return 0;
  });
}
