#include "tests/simulation/sim_node.h"

#include <caf/send.hpp>

#include "actors/doors/http_door_actor.h"
#include "actors/messages/letter_messages.h"
#include "cluster/api/wait_reasons.h"

namespace weir::sim {

namespace {

LaterWork steps_of(SimScheduler& scheduler) {
  return {[&scheduler](std::function<void()> job) {
            scheduler.post(std::move(job));
            return true;
          },
          [&scheduler](std::chrono::milliseconds delay, std::function<void()> job) {
            scheduler.post_later(delay, std::move(job));
          }};
}

}  // namespace

SimNode::SimNode(SimScheduler& scheduler, MemoryEventLog& log, const SimRules& rules)
    : scheduler_(scheduler), rules_(rules), state_(log.partitions(), log.log_id(), steps_of(scheduler)) {
  config_.name = name_;
  config_.partitions = log.partitions();
}

void SimNode::ingest(HttpRequest request, HttpReply reply) {
  const caf::actor door = state_.http_door();
  if (door && !stopping_) return caf::anon_send(door, HttpIngest{std::move(request), sure_reply(std::move(reply))});
  reply(problem(503, stopping_ ? "the node is stopping" : "the node is starting"));
}

void SimNode::pictures(Ranges ranges, const std::optional<ReadToken>& token, std::chrono::milliseconds wait,
                       Pictures done) {
  state_.pictures(
      [ranges = std::move(ranges)](PartitionId partition, const PartitionState& state) -> Result<PartitionPicture> {
        WEIR_ASSIGN(const auto wanted, ranges(partition, state.at()));
        return state.picture_of(wanted);
      },
      token, wait, std::move(done));
}

void SimNode::state_digests(std::function<void(Result<std::vector<Digest128>>)> done) {
  done(fail(Errc::internal, "nobody asks a simulated node for digests"));
}

void SimNode::change_letters(PartitionId partition, LetterOrder order, std::string payload,
                             std::function<void(Result<std::vector<LetterFate>>)> done) {
  state_.change_letters(partition, std::make_shared<LetterRequest>(std::move(order), std::move(payload), std::move(done)));
}

void SimNode::release(PartitionId partition, std::function<void(bool)>) {
  throw std::logic_error("nobody releases partition " + std::to_string(partition.value) + " of a simulated node");
}

bool SimNode::work(std::function<void()> job) {
  scheduler_.post(std::move(job));
  return true;
}

Result<TapAnswer> SimNode::tap(const TapRequest& request) {
  return fail(Errc::internal, "nobody looks at {} of a simulated node", request.on);
}

PartitionFacts SimNode::partition_facts(PartitionId partition) const {
  throw std::logic_error("nobody asks a simulated node what partition " + std::to_string(partition.value) + " waits for");
}

void SimNode::event_facts(const std::string& id, std::function<void(Result<std::optional<EventFacts>>)> done) {
  done(fail(Errc::internal, "nobody asks a simulated node what {} waits for", id));
}

void SimNode::biography(const std::string& id, std::function<void(Result<EventLife>)> done) {
  done(fail(Errc::internal, "nobody asks a simulated node for the life of {}", id));
}

Result<SearchSlice> SimNode::search(const std::vector<std::pair<std::string, std::string>>& fields, const SearchPlace&,
                                    const std::function<bool(const FoundEvent&)>&) {
  return fail(Errc::internal, "nobody searches a simulated node, not even for {} fields", fields.size());
}

}  // namespace weir::sim
