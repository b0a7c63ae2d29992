// Completion, man page and reference of a small command tree.
#include "sdk/masctl/reference/writers.h"

#include "sdk/masctl/cli/command.h"
#include "tests/unit/catch.h"

using namespace mas::ctl;

namespace {

/// masctl [--redis URL]; masctl agents list [--all]; masctl completion SHELL; a hidden one.
class SmallTree {
 public:
  SmallTree() : root_("what it is", "masctl") {
    root_.add_option("--redis", url_, "Where. More about it")->type_name("URL");
    Command* agents = root_.add_subcommand("agents", "Who is there");
    Command* list = agents->add_subcommand("list", "List agents: it's short");
    list->add_flag("-a,--all", all_, "Also others");
    list->footer("Examples:\n  masctl agents list\n\n.dot");
    Command* completion = root_.add_subcommand("completion", "Print a script");
    completion->add_option("SHELL", shell_, "Which")->required()->type_name("SHELL")->one_of({"bash", "zsh"});
    Command* send = root_.add_subcommand("send", "Send");
    send->add_option("--as", as_, "Who")->required()->type_name("ID");
    send->add_option("WORD", words_, "Words")->type_name("");
    root_.add_subcommand("secret", "Hidden")->group("");
  }
  CommandDoc doc() const { return describe(root_); }

 private:
  Command root_;
  std::string url_, shell_, as_;
  std::vector<std::string> words_;
  bool all_ = false;
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the tree is described with its options, operands and choices, without hidden commands") {
  CommandDoc root = SmallTree().doc();
  REQUIRE(root.commands.size() == 3);
  REQUIRE(root.options.size() == 1);
  CHECK(root.options[0].names == std::vector<std::string>{"--redis"});
  CHECK(root.options[0].value == "URL");
  const CommandDoc& list = root.commands[0].commands[0];
  CHECK(list.name() == "masctl agents list");
  REQUIRE(list.options.size() == 1);
  CHECK(list.options[0].names == std::vector<std::string>{"-a", "--all"});
  CHECK(list.options[0].value.empty());
  const OptionDoc& shell = root.commands[1].operands[0];
  CHECK(shell.choices == std::vector<std::string>{"bash", "zsh"});
  CHECK(shell.required);
  CHECK(root.commands[2].operands[0].repeats);
  CHECK(flatten(root).size() == 5);
}

TEST_CASE("the synopsis spells out what is required") {
  CommandDoc root = SmallTree().doc();
  CHECK(synopsis(root) == "masctl [OPTIONS] COMMAND");
  CHECK(synopsis(root.commands[0].commands[0]) == "masctl agents list [OPTIONS]");
  CHECK(synopsis(root.commands[1]) == "masctl completion SHELL");
  CHECK(synopsis(root.commands[2]) == "masctl send --as ID [WORD…]");
}

TEST_CASE("every writer names every command and option") {
  CommandDoc root = SmallTree().doc();
  for (const std::string& script : {bash_completion(root), zsh_completion(root), fish_completion(root)}) {
    for (const char* part : {"masctl agents list", "completion", "send", "redis", "all", "bash", "zsh"}) {
      INFO(part);
      CHECK(has(script, part));
    }
    CHECK(!has(script, "secret"));
  }
  CHECK(has(markdown_reference(root), "### `masctl agents list`"));
  CHECK(has(markdown_reference(root), "| `-a`, `--all` | Also others |"));
}

TEST_CASE("quotes in a help text do not end a shell's string") {
  CommandDoc root = SmallTree().doc();
  CHECK(has(zsh_completion(root), "it'\\''s short"));
  CHECK(has(fish_completion(root), "it\\'s short"));
}

TEST_CASE("nothing in a text is taken for markup by roff") {
  CommandDoc root = SmallTree().doc();
  root.commands[0].commands[0].help = ".TH hacked \\fB 'x'";
  std::string page = man_page(root, "1.2.3");
  CHECK(has(page, ".TH MASCTL 1"));
  CHECK(has(page, "masctl 1.2.3"));
  CHECK(has(page, "\n\\&.TH hacked \\efB \\(aqx\\(aq\n"));
  CHECK(has(page, "\n\\&.dot\n"));
  CHECK(has(page, ".SH EXIT STATUS"));
}
