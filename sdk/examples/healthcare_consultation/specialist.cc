// specialist: a cardiologist who gives a second opinion on a doctor's draft, with a language model. Nobody else may
// ask.
//
//   usage: example_consultation_specialist
#include <chat.h>

#include "../example.hpp"
#include "messages.hpp"

static const char kInstructions[] =
    "You are a cardiologist. Give a colleague a second opinion on a draft, in at most four sentences.";

static void give_opinion(const Chat &chat, const mas::Message &message, const Case &about) {
  std::cout << "specialist: " << message.sender() << " asks about: " << about.complaint << std::endl;
  try {
    std::string text = chat.ask(kInstructions, "Complaint: " + about.complaint + "\nDraft: " + about.draft);
    message.reply("opinion", Opinion{text});
  } catch (const ChatError &error) {
    std::cout << "specialist: no opinion: " << error.what() << std::endl;
    message.reply("no_opinion", Excuse{error.what()});
  }
}

int main() {
  Chat chat = Chat::from_environment();
  return example::main("specialist", [&] {
    mas::Agent specialist("specialist", mas::Options().mode(MAS_MODE_GATEWAY));
    specialist.on<Case>("opinion",
                        [&](const mas::Message &message, const Case &about) { give_opinion(chat, message, about); });
    example::run(specialist, "specialist");
    return 0;
  });
}
