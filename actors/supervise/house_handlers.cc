#include "actors/supervise/house_handlers.h"

#include <caf/actor_cast.hpp>

#include <exception>

namespace weir {

namespace {

void tell(const caf::actor_addr& supervisor, const std::string& who, Error error) {
  if (const auto strong = caf::actor_cast<caf::actor>(supervisor)) caf::anon_send(strong, ActorFailed{who, std::move(error)});
}

}  // namespace

std::string text_of(const std::exception_ptr& pointer) {
  try {
    std::rethrow_exception(pointer);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception of unknown type";
  }
}

void install_house_handlers(caf::event_based_actor* self, std::string who, caf::actor_addr supervisor) {
  self->set_default_handler([self, who, supervisor](caf::scheduled_actor*, caf::message_view&) -> caf::result<caf::message> {
    tell(supervisor, who, Error{Errc::internal, "a message it does not know"});
    self->quit(caf::sec::unexpected_message);
    return caf::sec::unexpected_message;
  });
  self->set_error_handler([self](caf::scheduled_actor*, caf::error& error) { self->quit(std::move(error)); });
  self->set_exit_handler([self](caf::scheduled_actor*, caf::exit_msg& message) { self->quit(message.reason); });
  self->set_exception_handler([who, supervisor](caf::scheduled_actor*, std::exception_ptr& pointer) -> caf::error {
    tell(supervisor, who, Error{Errc::internal, text_of(pointer)});
    return caf::sec::runtime_error;
  });
}

void fail_actor(caf::event_based_actor* self, const std::string& who, const caf::actor_addr& supervisor, Error error) {
  tell(supervisor, who, std::move(error));
  self->quit(caf::sec::runtime_error);
}

}  // namespace weir
