// `key generate` and `key public`: files of the keys that gateways need. Neither asks Redis.

#include "proto/base/ids.h"
#include "proto/base/json_writer.h"
#include "proto/base/secret.h"
#include "proto/base/secret_file.h"
#include "proto/wire/seal.h"
#include "proto/wire/sign.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/cli/input_file.h"
#include "sdk/masctl/cli/json_parts.h"
#include "sdk/masctl/commands/commands.h"

namespace mas::ctl {

namespace {

struct GenerateOptions {
  std::string file;
  std::string kind = "master";
};

struct PublicOptions {
  std::string file;
};

Document public_document(const std::string& text, const std::string& id) {
  return Document::line("{\"public_key\":\"" + text + "\",\"key_id\":\"" + id + "\"}", text + "  " + id);
}

Result<Document> run_generate(Context& context, const GenerateOptions& options) {
  std::string content, text, id;
  if (options.kind == "master") {
    content = MasterKey::generate().text() + "\n";
  } else {
    SigningKey key = SigningKey::generate();
    content = key.pem();
    text = key.public_text();
    id = key.id();
  }
  auto written = write_secret_file(path_of(options.file), content);
  wipe(content);
  if (!written.ok()) return written.error();
  context.out.note(options.kind + " key written to " + visible(options.file) + ", mode 0600");
  if (!text.empty()) return public_document(text, id);
  return Document::of(
      0, [](JsonWriter& json, int) { json.begin_object().end_object(); }, [](Output&, int) {});
}

Result<Document> run_public(Context&, const PublicOptions& options) {
  auto key = SigningKey::read(path_of(options.file));
  if (!key.ok()) return key.error();
  return public_document(key->public_text(), key->id());
}

}  // namespace

void add_key_commands(Cli& cli) {
  Command& group = cli.group("key", "Key files of the gateways");

  Command* generate = group.add_subcommand("generate", "Write a new key to a new file of mode 0600");
  auto& options = cli.leaf<GenerateOptions>(*generate, run_generate);
  generate->add_option("FILE", options.file, "The new file; it must not exist")->required()->type_name("");
  generate
      ->add_option("--kind", options.kind,
                   "master: seals the agents' keys. audit: an Ed25519 key that signs the audit's heads; its public "
                   "half is printed. Default: master")
      ->type_name("KIND")
      ->one_of({"master", "audit"});
  generate->footer(
      "Examples:\n"
      "  masctl key generate /etc/mas/master.key\n"
      "  masctl key generate --kind audit /etc/mas/audit.pem");

  Command* show = group.add_subcommand("public", "Print the public half and the id of an audit key");
  auto& shown = cli.leaf<PublicOptions>(*show, run_public);
  show->add_option("FILE", shown.file, "The audit key's file")->required()->type_name("");
}

}  // namespace mas::ctl
