// doctor: answers patients with a language model. It drafts advice, asks the specialist, and merges both. When the
// specialist does not answer in time, it goes on alone and says so in a note.
//
//   usage: example_consultation_doctor [SECONDS]        how long it waits for the specialist; default 60
#include <chat.h>

#include <cstdlib>
#include <optional>

#include "../example.hpp"
#include "messages.hpp"

namespace {

const char kDraft[] = "You are a family doctor. Draft advice for the patient, in at most four sentences.";
const char kMerge[] =
    "You are a family doctor. Merge your draft and the specialist's opinion into advice for the patient.";

class Doctor {
 public:
  Doctor(const Chat &chat, mas::Millis patience) : chat_(chat), patience_(patience) {
    // The model and the specialist are asked in the handler, so patients are answered one after the other.
    agent_.on<Consultation>("consultation", [this](const mas::Message &message, const Consultation &consultation) {
      consult(message, consultation.complaint);
    });
  }
  void run() { example::run(agent_, "doctor"); }

 private:
  void consult(const mas::Message &message, const std::string &complaint) {
    std::cout << "doctor: " << message.sender() << " writes: " << complaint << std::endl;
    try {
      message.reply("advice", advise(complaint));
    } catch (const ChatError &error) {
      std::cout << "doctor: cannot advise: " << error.what() << std::endl;
      message.reply("no_advice", Excuse{error.what()});
    }
  }

  /// Throws ChatError.
  Advice advise(const std::string &complaint) {
    std::string draft = chat_.ask(kDraft, "Complaint: " + complaint);
    std::cout << "doctor: draft: " << draft << std::endl;
    std::optional<std::string> opinion = ask_specialist({complaint, draft});
    if (!opinion) return {draft, "This is the doctor's advice alone: the specialist could not be asked."};
    std::cout << "doctor: the specialist's opinion: " << *opinion << std::endl;
    return {chat_.ask(kMerge, "Complaint: " + complaint + "\nDraft: " + draft + "\nOpinion: " + *opinion),
            "The specialist was asked."};
  }

  /// @return nothing when the specialist cannot help: no answer in time, the gateway refused, its model failed.
  std::optional<std::string> ask_specialist(const Case &about) {
    std::string why;
    try {
      mas::Message reply = agent_.request("specialist", "opinion", about, patience_);
      if (reply.type() == "opinion") return reply.as<Opinion>().text;
      why = reply.as<Excuse>().reason;
    } catch (const mas::Error &error) {
      why = error.what();
    }
    std::cout << "doctor: goes on without the specialist: " << why << std::endl;
    return std::nullopt;
  }

  const Chat &chat_;
  mas::Millis patience_;
  mas::Agent agent_{"doctor", mas::Options().mode(MAS_MODE_GATEWAY)};
};

}  // namespace

int main(int argc, char **argv) {
  Chat chat = Chat::from_environment();
  return example::main("doctor", [&] {
    double seconds = argc > 1 ? std::atof(argv[1]) : 60;
    Doctor(chat, mas::Millis(static_cast<int>(seconds * 1000))).run();
    return 0;
  });
}
