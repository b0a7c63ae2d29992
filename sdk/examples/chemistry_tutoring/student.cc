// student: finds a professor of chemistry by capability, asks three questions, each about the answer before, and
// thanks.
//
// A language model makes up the questions. What the student knows is typed state: started again after a crash, it goes
// on with the same professor where it stopped.
//
//   usage: example_tutoring_student [TOPIC]
//   exit code: 0 the lesson is over; 1 it ended early, with a sentence; 2 no language model is configured
#include <chat.h>

#include "../example.hpp"
#include "messages.hpp"

namespace {

constexpr int kRounds = 3;
constexpr std::chrono::seconds kAnswerTime{90};  // the professor asks a model meanwhile
const char kInstructions[] =
    "You are a curious student of chemistry. Ask your professor one short question. Write the question only.";

struct Lesson {
  std::string professor;
  std::string topic;
  int32_t rounds = 0;  // questions that were answered
  std::string answer;  // the last one
};
MAS_STRUCT(Lesson, professor, topic, rounds, answer)

/// What discovery shows of a professor.
struct About {
  std::string about;
};
MAS_STRUCT(About, about)

/// The lesson ends early; the text says why.
class LessonOver : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Student {
 public:
  explicit Student(const Chat &chat) : chat_(chat) {}

  /// Throws LessonOver, ChatError, mas::Error.
  void learn(const std::string &topic) {
    if (lesson_->topic != topic) begin(topic);
    if (lesson_->rounds > 0)
      std::cout << "student: goes on with " << lesson_->professor << " after round " << lesson_->rounds << std::endl;
    while (lesson_->rounds < kRounds) round(lesson_->rounds + 1);
    agent_.send(lesson_->professor, "thanks", Said{"Thank you, I learned a lot about " + topic + "!"});
    begin("");  // it keeps the professor
  }

 private:
  void begin(const std::string &topic) {
    lesson_->topic = topic;
    lesson_->rounds = 0;
    lesson_->answer = "";
    lesson_.save();
  }

  void round(int32_t number) {
    std::string prompt = "Question " + std::to_string(number) + " about " + lesson_->topic;
    if (!lesson_->answer.empty()) prompt = "The professor said: " + lesson_->answer + "\n" + prompt;
    Question question{lesson_->topic, number, chat_.ask(kInstructions, prompt)};
    std::cout << "student: question " << number << ": " << question.text << std::endl;
    std::string answer = ask(question);
    std::cout << "student: answer " << number << ": " << answer << std::endl;
    lesson_->rounds = number;
    lesson_->answer = answer;
    lesson_.save();
  }

  /// Asks the professor that it knows, or else finds one.
  std::string ask(const Question &question) {
    try {
      if (!lesson_->professor.empty()) return ask_professor(question);
    } catch (const mas::Error &error) {
      if (error.status() != MAS_NO_RECEIVER) throw;
      std::cout << "student: " << lesson_->professor << " has left" << std::endl;
    }
    auto found = agent_.discover({"tutoring.chemistry"});
    if (found.empty()) throw LessonOver("There is no professor of chemistry: start example_tutoring_professor first.");
    lesson_->professor = found[0].id;
    lesson_.save();
    auto about = mas::from_json<About>(found[0].metadata);
    std::cout << "student: found " << lesson_->professor << ", which "
              << (about ? about->about : "says nothing about itself") << std::endl;
    return ask_professor(question);
  }

  std::string ask_professor(const Question &question) {
    mas::Message reply = agent_.request(lesson_->professor, "question", question, kAnswerTime);
    if (reply.type() == "answer") return reply.as<Said>().text;
    throw LessonOver(lesson_->professor + " cannot answer: " + reply.as<Excuse>().reason);
  }

  const Chat &chat_;
  mas::Agent agent_{"student"};
  mas::State<Lesson> lesson_{agent_};
  example::Started started_{agent_};
};

}  // namespace

int main(int argc, char **argv) {
  Chat chat = Chat::from_environment();
  return example::main("student", [&] {
    Student(chat).learn(argc > 1 ? argv[1] : "acids and bases");
    return 0;
  });
}
