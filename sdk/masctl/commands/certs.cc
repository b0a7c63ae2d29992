// `certs init`, `issue`, `renew` and `show`: a private certificate authority in a folder. None asks Redis.
#include <arpa/inet.h>

#include <algorithm>

#include "proto/base/ids.h"
#include "proto/redis/url.h"
#include "sdk/masctl/certs/folder.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/cli/json_parts.h"
#include "sdk/masctl/cli/times.h"
#include "sdk/masctl/commands/commands.h"

namespace mas::ctl {

namespace {

constexpr int64_t kDay = 86'400;

struct InitOptions {
  std::string dir, domain;
  std::string lifetime = "3650d";
};

struct IssueOptions {
  std::string dir, kind, id;
  std::vector<std::string> names, addresses;
  std::string lifetime = "90d";
};

struct RenewOptions {
  std::string dir, before;
};

struct ShowOptions {
  std::string dir;
};

/// One certificate, and what was done to it.
struct Row {
  std::string file;
  std::string step;  ///< "created", "renewed", …; empty: nothing is done by this command
  pki::Certificate certificate;
};

struct Report {
  std::vector<Row> rows;
  int64_t now = 0;
};

int64_t now_seconds() { return wall_now() / 1'000'000; }

/// Rounded down, so that -1 is the first day after the end.
int64_t days_left(const pki::Certificate& certificate, int64_t now) {
  const int64_t left = certificate.not_after - now;
  return left >= 0 ? left / kDay : (left + 1) / kDay - 1;
}

void write_row(JsonWriter& json, const Row& row, int64_t now) {
  json.begin_object();
  json_member(json, "file", row.file);
  if (!row.step.empty()) json.key("step").string(row.step);
  json_member(json, "subject", row.certificate.subject);
  json_texts(json, "names", row.certificate.names);
  json.key("authority").boolean(row.certificate.authority);
  json.key("serial").string(row.certificate.serial);
  json.key("not_before").string(time_text(row.certificate.not_before * 1'000'000));
  json.key("not_after").string(time_text(row.certificate.not_after * 1'000'000));
  json.key("days_left").integer(days_left(row.certificate, now)).end_object();
}

void write_report(JsonWriter& json, const Report& report) {
  json.begin_object();
  json_list(json, "certificates", report.rows,
            [now = report.now](JsonWriter& each, const Row& row) { write_row(each, row, now); });
  json.end_object();
}

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const auto& text : texts) out.append(out.empty() ? "" : " ").append(text);
  return out;
}

void print_report(Output& out, const Report& report) {
  Table table({"FILE", "STEP", "NAMES", "SERIAL", "ENDS", "DAYS LEFT"});
  for (const auto& row : report.rows)
    table.add({row.file, row.step.empty() ? "-" : row.step, joined(row.certificate.names), row.certificate.serial,
               time_text(row.certificate.not_after * 1'000'000).substr(0, 10),
               std::to_string(days_left(row.certificate, report.now))});
  out.table(table, "no certificates");
}

Document shown(Report report) { return Document::of(std::move(report), write_report, print_report); }

Result<int64_t> seconds_of(const std::string& text, std::string_view flag) {
  auto period = parse_period(text);
  if (!period.ok()) return period.error().in(flag);
  return std::chrono::duration_cast<std::chrono::seconds>(*period).count();
}

// ---- init

Result<Document> run_init(Context&, const InitOptions& options) {
  auto lifetime = seconds_of(options.lifetime, "--lifetime");
  if (!lifetime.ok()) return lifetime.error();
  if (auto status = pki::check_domain(options.domain); !status.ok()) return status.error().in("--domain");
  auto folder = CertFolder::open(options.dir, true);
  if (!folder.ok()) return folder.error();
  const int64_t now = now_seconds();
  const bool there = folder->has_authority();
  if (!there)
    if (auto status = folder->make_authority(options.domain, *lifetime, now); !status.ok()) return status.error();
  auto authority = folder->authority();
  if (!authority.ok()) return authority.error();
  const std::string file = folder->path_of(kAuthorityFile);
  if (authority->domain() != options.domain)
    return Error{Errc::kInvalidState, visible(file) + " is the authority of '" + authority->domain() +
                                          "'; another domain needs another folder"};
  auto certificates = pki::read_certificates(file);
  if (!certificates.ok()) return certificates.error();
  return shown({{{kAuthorityFile, there ? "unchanged" : "created", certificates->front()}}, now});
}

// ---- issue

/// @return the address as certificates are read back, such as 2001:db8::1 for 2001:DB8:0::1; empty: it is none.
std::string canonical_address(const std::string& text) {
  unsigned char address[sizeof(in6_addr)];
  char out[INET6_ADDRSTRLEN] = "";
  for (int family : {AF_INET, AF_INET6})
    if (inet_pton(family, text.c_str(), address) == 1) inet_ntop(family, address, out, sizeof out);
  return out;
}

/// @return DNS names, then addresses.
Result<std::vector<std::string>> server_names(const IssueOptions& options) {
  std::vector<std::string> out;
  for (const auto& name : options.names) {
    const bool dots = name.starts_with('.') || name.ends_with('.');
    if (!redis::is_host(name) || dots || !canonical_address(name).empty() || name.find(':') != std::string::npos)
      return Error{Errc::kInvalidArgument, "--name: '" + printable(name) + "' is not a host name"};
    out.push_back("DNS:" + name);
  }
  for (const auto& address : options.addresses) {
    const std::string canonical = canonical_address(address);
    if (canonical.empty())
      return Error{Errc::kInvalidArgument, "--address: '" + printable(address) + "' is not an IP address"};
    out.push_back("IP:" + canonical);
  }
  if (out.empty()) return Error{Errc::kInvalidArgument, "a server needs --name HOST or --address IP"};
  return out;
}

Status check_id(const IssueOptions& options) {
  const bool server = options.kind == "server";
  if (!server && !(options.names.empty() && options.addresses.empty()))
    return Error{Errc::kInvalidArgument, "--name and --address are for servers; an " + options.kind + " has its id"};
  if (server && options.id.empty()) return {};
  if (server) return Error{Errc::kInvalidArgument, "a server has no id; expected --name HOST or --address IP"};
  if (options.kind == "daemon" && options.id != "gatewayd" && options.id != "registryd" && options.id != "healthd")
    return Error{Errc::kInvalidArgument,
                 "'" + printable(options.id) + "' is no daemon; expected gatewayd, registryd or healthd"};
  return check_agent_id(options.id);
}

/// What a certificate with these names is made of. Only servers have a common name: Redis 8.6 may take it for a user.
pki::LeafWish wish_of(std::vector<std::string> names, pki::Purpose purpose, int64_t lifetime) {
  std::string common_name;
  if (purpose == pki::Purpose::kServer) common_name = names.front().substr(names.front().find(':') + 1);
  return {std::move(common_name), std::move(names), purpose, lifetime};
}

Result<pki::LeafWish> wish_of(const IssueOptions& options, const std::string& domain) {
  auto lifetime = seconds_of(options.lifetime, "--lifetime");
  if (!lifetime.ok()) return lifetime.error();
  if (auto status = check_id(options); !status.ok()) return status.error();
  if (options.kind != "server")
    return wish_of({"URI:spiffe://" + domain + "/" + options.kind + "/" + options.id}, pki::Purpose::kClient,
                   *lifetime);
  auto names = server_names(options);
  if (!names.ok()) return names.error();
  return wish_of(std::move(*names), pki::Purpose::kServer, *lifetime);
}

void note_end(Context& context, const CertFolder& folder, const pki::Authority& authority, int64_t wanted) {
  if (authority.not_after() < wanted)
    context.out.note(visible(folder.path_of(kAuthorityFile)) + " ends on " +
                     time_text(authority.not_after() * 1'000'000).substr(0, 10) +
                     ", and what it issues ends with it; make a new authority in time");
}

/// Issues and writes. @return the row.
Result<Row> make(Context& context, const CertFolder& folder, const pki::Authority& authority, const std::string& name,
                 const pki::LeafWish& wish, std::string step) {
  const int64_t now = now_seconds();
  auto issued = authority.issue(wish, now);
  if (!issued.ok()) return issued.error();
  if (auto status = folder.write(name, *issued); !status.ok()) return status.error();
  note_end(context, folder, authority, now + wish.lifetime);
  auto certificates = pki::parse_certificates(issued->certificate, name);
  if (!certificates.ok()) return certificates.error();
  return Row{name, std::move(step), std::move(certificates->front())};
}

Result<Document> run_issue(Context& context, const IssueOptions& options) {
  auto folder = CertFolder::open(options.dir, false);
  if (!folder.ok()) return folder.error();
  auto authority = folder->authority();
  if (!authority.ok()) return authority.error();
  auto wish = wish_of(options, authority->domain());
  if (!wish.ok()) return wish.error();
  const std::string name = certificate_file_name(wish->names, authority->domain());
  const int64_t now = now_seconds();
  auto before = folder->read(name, *authority);
  if (before.ok() && before->ours && before->certificate.names == wish->names &&
      before->certificate.purpose == wish->purpose && before->certificate.not_after > now)
    return shown({{{name, "unchanged", before->certificate}}, now});
  if (!before.ok() && before.error().code != Errc::kNotFound) return before.error();
  auto row = make(context, *folder, *authority, name, *wish, before.ok() ? "replaced" : "created");
  if (!row.ok()) return row.error();
  return shown({{std::move(*row)}, now});
}

// ---- renew

/// @return the row of one file; an error that names it.
Result<Row> renew_one(Context& context, const CertFolder& folder, const pki::Authority& authority,
                      const std::string& name, int64_t before) {
  auto file = folder.read(name, authority);
  if (!file.ok()) return file.error();
  const pki::Certificate& old = file->certificate;
  if (!file->ours || old.names.empty()) return Row{name, "foreign", old};
  const int64_t left = old.not_after - now_seconds();
  const int64_t whole = old.not_after - old.not_before;
  if (left > (before > 0 ? before : whole / 3)) return Row{name, "kept", old};
  const int64_t lifetime = std::max<int64_t>(whole - pki::kBackdated, 1);
  auto row = make(context, folder, authority, name, wish_of(old.names, old.purpose, lifetime), "renewed");
  if (!row.ok()) return row.error().in(visible(folder.path_of(name)));
  return row;
}

Result<Document> run_renew(Context& context, const RenewOptions& options) {
  int64_t before = 0;
  if (!options.before.empty()) {
    auto given = seconds_of(options.before, "--before");
    if (!given.ok()) return given.error();
    before = *given;
  }
  auto folder = CertFolder::open(options.dir, false);
  if (!folder.ok()) return folder.error();
  auto authority = folder->authority();
  if (!authority.ok()) return authority.error();
  auto names = certificate_files(options.dir);
  if (!names.ok()) return names.error();
  Report report{{}, now_seconds()};
  std::optional<Error> failure;
  for (const auto& name : *names) {
    auto row = renew_one(context, *folder, *authority, name, before);
    if (row.ok())
      report.rows.push_back(std::move(*row));
    else if (!failure)
      failure = row.error();
    else
      context.out.note(row.error().message);
  }
  if (failure) return shown(std::move(report)).fails_with(std::move(*failure));
  return shown(std::move(report));
}

// ---- show

Result<Document> run_show(Context& context, const ShowOptions& options) {
  auto names = certificate_files(options.dir);
  if (!names.ok()) return names.error();
  names->insert(names->begin(), kAuthorityFile);
  Report report{{}, now_seconds()};
  std::optional<Error> failure;
  for (const auto& name : *names) {
    auto certificates = pki::read_certificates(options.dir + "/" + name);
    if (certificates.ok())
      report.rows.push_back({name, "", certificates->front()});
    else if (!failure)
      failure = certificates.error();
    else
      context.out.note(certificates.error().message);
  }
  if (failure) return shown(std::move(report)).fails_with(std::move(*failure));
  return shown(std::move(report));
}

Option* add_dir(Command& command, std::string& dir) {
  return command.add_option("--dir", dir, "Folder of the authority")->required()->type_name("DIR");
}

void add_issue(Cli& cli, Command& group) {
  Command* issue = group.add_subcommand("issue", "Issue a certificate: key and certificate in one new file, mode 0600");
  auto& options = cli.leaf<IssueOptions>(*issue, run_issue);
  issue->add_option("KIND", options.kind, "Whom it is for")
      ->required()
      ->type_name("")
      ->one_of({"server", "agent", "daemon", "operator"});
  issue
      ->add_option(
          "ID", options.id,
          "The agent's id, the daemon (gatewayd, registryd, healthd), or the operator's name; none for a server")
      ->type_name("");
  add_dir(*issue, options.dir);
  issue->add_option("--name", options.names, "Host name of the server; may be repeated")->take_all()->type_name("HOST");
  issue->add_option("--address", options.addresses, "IP address of the server; may be repeated")
      ->take_all()
      ->type_name("IP");
  issue->add_option("--lifetime", options.lifetime, "Time until it expires. Default: 90d")->type_name("TIME");
  issue->footer(
      "A server's certificate is for Redis and for the daemons' HTTP; its file is named by its first name or address.\n"
      "A certificate with the same names that has not expired stays as it is.\n"
      "Examples:\n"
      "  masctl certs issue --dir /etc/mas/ca server --name redis1 --address 10.0.0.1\n"
      "  masctl certs issue --dir /etc/mas/ca agent planner\n"
      "  masctl certs issue --dir /etc/mas/ca daemon gatewayd --lifetime 30d");
}

}  // namespace

void add_certs_commands(Cli& cli) {
  Command& group = cli.group("certs", "A private certificate authority for TLS");

  Command* init = group.add_subcommand("init", "Make the authority: ca.crt and ca.key in a folder");
  auto& made = cli.leaf<InitOptions>(*init, run_init);
  add_dir(*init, made.dir);
  init->add_option("--domain", made.domain, "Domain in the names of agents: spiffe://DOMAIN/agent/ID")
      ->required()
      ->type_name("DOMAIN");
  init->add_option("--lifetime", made.lifetime, "Time until the authority expires. Default: 3650d")->type_name("TIME");
  init->footer("Example:\n  masctl certs init --dir /etc/mas/ca --domain example.org");

  add_issue(cli, group);

  Command* renew = group.add_subcommand("renew", "Issue anew what expires soon: the same names, new keys");
  auto& renewed = cli.leaf<RenewOptions>(*renew, run_renew);
  add_dir(*renew, renewed.dir);
  renew
      ->add_option("--before", renewed.before,
                   "Renew what expires within this time. Default: a third of each certificate's lifetime")
      ->type_name("TIME");
  renew->footer(
      "Each file is replaced in one step, and keeps its owner and permissions. The authority itself is not renewed.\n"
      "Example:\n  masctl certs renew --dir /etc/mas/ca && systemctl reload 'mas-*.service'");

  Command* show = group.add_subcommand("show", "List the authority and its certificates, without keys");
  auto& listed = cli.leaf<ShowOptions>(*show, run_show);
  add_dir(*show, listed.dir);
}

}  // namespace mas::ctl
