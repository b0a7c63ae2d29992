// What systemd gives to a unit: credentials, a state directory.
#include "daemons/common/unit_files.h"

#include <cstdlib>

#include "tests/unit/catch.h"
#include "tests/unit/temp_dir.h"

using namespace mas::common;

TEST_CASE("a credential is taken when the unit has it and nothing else is configured") {
  mas::test::TempDir dir;
  unsetenv("CREDENTIALS_DIRECTORY");
  CHECK(or_credential("", "mas.key") == "");
  setenv("CREDENTIALS_DIRECTORY", dir.name.c_str(), 1);
  CHECK(or_credential("", "mas.key") == "");
  dir.file("mas.key", "k");
  CHECK(or_credential("", "mas.key") == "mas.key");
  CHECK(or_credential("/etc/other.key", "mas.key") == "/etc/other.key");
  unsetenv("CREDENTIALS_DIRECTORY");
}

TEST_CASE("files go to the unit's state directory when nothing else is configured") {
  unsetenv("STATE_DIRECTORY");
  CHECK(or_in_state_directory("", "heads") == "");
  setenv("STATE_DIRECTORY", "/var/lib/mas/one:/var/lib/mas/two", 1);
  CHECK(or_in_state_directory("", "heads") == "/var/lib/mas/one/heads");
  CHECK(or_in_state_directory("/srv/heads", "heads") == "/srv/heads");
  unsetenv("STATE_DIRECTORY");
}
