// Asks a language model over the OpenAI-compatible HTTP API, by libcurl.
//
//   Chat chat = Chat::from_environment();
//   std::string text = chat.ask("You are a chemist.", "What is an acid?");
//
// The address, the model and the key come from the environment: README.md beside this file lists the variables.
// Failure: ChatError with one sentence, which never contains the key nor what the server wrote.
// Threading: ask() blocks until the answer or its time-out. A Chat may be used by several threads at once.
#ifndef MAS_EXAMPLE_CHAT_H
#define MAS_EXAMPLE_CHAT_H

#include <chrono>
#include <stdexcept>
#include <string>

/// The model gave no usable answer; the text says why.
class ChatError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One model at one address.
class Chat {
 public:
  static constexpr size_t kMaxBody = 1 << 20;   ///< bytes of an HTTP answer
  static constexpr size_t kMaxText = 32 << 10;  ///< bytes of the model's text in it

  /// The model of the environment. Where it is not set up, ends the program with a sentence and code 2.
  static Chat from_environment();

  /// @param instructions how the model should answer. @return its answer to `text`. Throws ChatError.
  std::string ask(const std::string &instructions, const std::string &text) const;

 private:
  Chat() = default;
  std::string post(const std::string &body) const;
  ChatError error(const std::string &what) const;

  std::string url_, host_, model_, key_;
  std::chrono::milliseconds timeout_{60'000};
};

#endif  // MAS_EXAMPLE_CHAT_H
