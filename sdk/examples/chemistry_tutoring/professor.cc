// professor: explains chemistry to whoever asks, with a language model. Students find it by its capability.
//
//   usage: example_tutoring_professor [ID]
#include <chat.h>

#include "../example.hpp"
#include "messages.hpp"

static const char kInstructions[] =
    "You are a patient professor of chemistry. Answer the student's question in at most five sentences.";

static void answer(const Chat &chat, const mas::Message &message, const Question &question) {
  std::cout << "professor: question " << question.round << " from " << message.sender() << ": " << question.text
            << std::endl;
  try {
    message.reply("answer", Said{chat.ask(kInstructions, "Topic: " + question.topic + "\n" + question.text)});
  } catch (const ChatError &error) {
    std::cout << "professor: cannot answer: " << error.what() << std::endl;
    message.reply("no_answer", Excuse{error.what()});
  }
}

int main(int argc, char **argv) {
  Chat chat = Chat::from_environment();
  return example::main("professor", [&] {
    mas::Options options;
    options.capability("tutoring.chemistry").metadata(R"({"about":"explains chemistry"})");
    mas::Agent professor(argc > 1 ? argv[1] : "professor", options);
    // The model is asked in the handler, so students are answered one after the other. Heartbeats go on meanwhile.
    professor.on<Question>(
        "question", [&](const mas::Message &message, const Question &question) { answer(chat, message, question); });
    professor.on<Said>("thanks", [](const mas::Message &message, const Said &thanks) {
      std::cout << "professor: " << message.sender() << " says: " << thanks.text << std::endl;
    });
    example::run(professor, "professor");
    return 0;
  });
}
