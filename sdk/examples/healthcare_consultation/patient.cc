// patient: asks for advice about a complaint and prints it. The complaint holds a social security number, which the
// gateway masks on the way.
//
//   usage: example_consultation_patient [AGENT]        whom to ask; default: the doctor. Nobody else may be asked
//   exit code: 0 advice came; 1 none came, with a sentence
#include "../example.hpp"
#include "messages.hpp"

static const char kComplaint[] =
    "I am Jane Example, SSN 219-09-9998. Climbing stairs, I feel a pressure in my chest since Tuesday.";
static constexpr std::chrono::seconds kAdviceTime{240};  // three answers of models

static int ask(mas::Agent &patient, const std::string &target) {
  std::cout << "patient: writes: " << kComplaint << std::endl;
  mas::Message reply = patient.request(target, "consultation", Consultation{kComplaint}, kAdviceTime);
  if (reply.type() != "advice") {
    std::cerr << "patient: no advice: " << reply.as<Excuse>().reason << std::endl;
    return 1;
  }
  Advice advice = reply.as<Advice>();
  std::cout << "patient: advice: " << advice.text << "\npatient: note: " << advice.note << std::endl;
  return 0;
}

int main(int argc, char **argv) {
  return example::main("patient", [&] {
    mas::Agent patient("patient", mas::Options().mode(MAS_MODE_GATEWAY));
    example::Started started(patient);
    try {
      return ask(patient, argc > 1 ? argv[1] : "doctor");
    } catch (const mas::Error &) {
      mas::ReceiptNote note = mas::receipt_note();
      if (note.decision.empty()) throw;
      std::cerr << "patient: the gateway refused: " << note.decision;
      if (note.retry_after.count() > 0) std::cerr << ", again in " << note.retry_after.count() / 1000 << " s";
      std::cerr << std::endl;
      return 1;
    }
  });
}
