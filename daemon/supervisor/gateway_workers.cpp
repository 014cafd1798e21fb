#include "daemon/supervisor/gateway_workers.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <iterator>

namespace slopn::daemon {

session::GatewayEndpointOptions share_of(session::GatewayEndpointOptions whole, std::size_t worker,
                                         std::size_t workers)
{
  const auto share = [&](std::size_t limit) { return (limit + workers - 1) / workers; };
  // Clients spread by chance, so each worker may have all of them; the control thread, which admits
  // them, keeps their number. Strangers come in numbers that even out.
  whole.max_handshakes = share(whole.max_handshakes);
  whole.max_visitors = share(whole.max_visitors);
  whole.retry_above_handshakes = share(whole.retry_above_handshakes);
  whole.worker = static_cast<std::uint8_t>(worker);
  whole.workers = static_cast<std::uint8_t>(workers);
  return whole;
}

GatewayWorkers::GatewayWorkers(asio::any_io_executor control, std::size_t workers,
                               quic::TlsContext tls, GatewayWorkersListener& listener)
    : control_(std::move(control)),
      listener_(listener),
      tls_(std::move(tls)),
      exchange_(workers),
      wanted_workers_(workers)
{
}

Result<std::unique_ptr<GatewayWorkers>> GatewayWorkers::start(asio::any_io_executor control,
                                                              Setup setup,
                                                              GatewayWorkersListener& listener)
{
  std::unique_ptr<GatewayWorkers> made{
      new GatewayWorkers{std::move(control), setup.workers, std::move(setup.tls), listener}};
  for (std::size_t i = 0; i < setup.workers; ++i) {
    if (auto started = made->start_one(setup); !started) return started.error();
  }
  return made;
}

Result<> GatewayWorkers::start_one(const Setup& setup)
{
  const std::size_t number = members_.size();
  const std::string name =
      wanted_workers_ > 1 ? "slopn-worker" + std::to_string(number) : "slopn-worker";
  auto thread = std::make_unique<io::WorkerThread>(name.c_str());
  auto worker = io::GatewayWorker::start(
      thread->executor(),
      {share_of(setup.endpoint, number, wanted_workers_), setup.rules, tls_, setup.listen,
       setup.socket, wanted_workers_ > 1 ? &exchange_ : nullptr},
      static_cast<io::GatewayWorkerListener&>(*this));
  if (!worker) return worker.error();
  members_.push_back({std::move(thread), std::move(*worker)});
  return {};
}

GatewayWorkers::~GatewayWorkers()
{
  if (!stopped_) {
    for (const Member& member : members_)
      asio::co_spawn(member.thread->executor(), member.worker->stop(), asio::use_future).wait();
  }
  // All threads before any worker: what one has posted to another still finds it.
  for (const Member& member : members_) member.thread->finish();
}

asio::awaitable<void> GatewayWorkers::stop()
{
  for (const Member& member : members_)
    co_await asio::co_spawn(member.thread->executor(), member.worker->stop(), asio::use_awaitable);
  stopped_ = true;
}

// ---- Asking workers -------------------------------------------------------------------------

std::size_t GatewayWorkers::worker_of(session::SessionId id) const noexcept
{
  return session::worker_of(id, wanted_workers_);
}

template <class Action>
void GatewayWorkers::post_to(std::size_t worker, Action action) const
{
  const Member& member = members_[worker];
  asio::post(
      member.thread->executor(),
      [target = member.worker.get(), action = std::move(action)]() mutable { action(*target); });
}

template <class Question, class Reply>
void GatewayWorkers::ask(std::size_t worker, Question question, Reply reply) const
{
  post_to(worker, [control = control_, question = std::move(question),
                   reply = std::move(reply)](io::GatewayWorker& target) mutable {
    asio::post(control, [reply = std::move(reply), answer = question(target)]() mutable {
      reply(std::move(answer));
    });
  });
}

template <class Answer>
void GatewayWorkers::ask_all(std::function<Answer(io::GatewayWorker&)> question,
                             std::function<void(std::vector<Answer>)> reply) const
{
  struct Round {
    std::vector<Answer> answers;
    std::size_t missing;
    std::function<void(std::vector<Answer>)> reply;
  };
  // Belongs to all answers that are still to come.
  const auto round = std::make_shared<Round>(
      Round{std::vector<Answer>(members_.size()), members_.size(), std::move(reply)});
  for (std::size_t i = 0; i < members_.size(); ++i) {
    ask(i, question, [round, i](Answer answer) {
      round->answers[i] = std::move(answer);
      if (--round->missing == 0) round->reply(std::move(round->answers));
    });
  }
}

// ---- TUN ------------------------------------------------------------------------------------

std::vector<asio::any_io_executor> GatewayWorkers::executors()
{
  std::vector<asio::any_io_executor> all;
  for (const Member& member : members_) all.emplace_back(member.thread->executor());
  return all;
}

void GatewayWorkers::attach_tun(platform::TunQueues tun)
{
  interface_index_ = tun.devices.front()->index();
  steering_ = std::move(tun.steering);
  book_.for_each_holder(
      [this](const IpAddress& address, session::SessionId holder) { assign(address, holder); });
  for (std::size_t i = 0; i < members_.size(); ++i) {
    post_to(i, [device = std::move(tun.devices[i])](io::GatewayWorker& worker) mutable {
      worker.attach_tun(std::move(device));
    });
  }
}

void GatewayWorkers::on_tun_lost(std::uint32_t interface_index, Error reason)
{
  asio::post(control_, [this, interface_index, reason = std::move(reason)] {
    if (interface_index_ != interface_index) return;  // another queue of it was faster
    interface_index_.reset();
    listener_.on_tun_lost(reason);
  });
}

// The worker's part of the book is its own; this is for packets that others get to see first.
void GatewayWorkers::assign(const IpAddress& address, session::SessionId holder)
{
  if (wanted_workers_ < 2) return;
  const std::size_t worker = worker_of(holder);
  exchange_.assign(address, worker);
  // When the kernel's table is full, the packets take the way through the exchange.
  if (steering_) (void)steering_->assign(address, worker);
}

// ---- Sessions -------------------------------------------------------------------------------

void GatewayWorkers::on_admission_wanted(session::SessionId id, session::Visitor visitor)
{
  asio::post(control_, [this, id, visitor = std::move(visitor)] {
    listener_.on_admission_wanted(id, visitor);
  });
}

bool GatewayWorkers::serves(const std::vector<IpPrefix>& addresses) const
{
  return std::ranges::any_of(
      addresses, [this](const IpPrefix& address) { return book_.has(address.address()); });
}

void GatewayWorkers::admit(session::SessionId id, const session::Admission& admission,
                           std::function<void(bool)> reply)
{
  // The way to the new session is there before the client is told to send.
  auto replaced = book_.add(id, admission.addresses);
  for (const IpPrefix& address : admission.addresses) assign(address.address(), id);
  std::erase_if(replaced, [&](session::SessionId old) {
    return worker_of(old) == worker_of(id);  // its own worker ends that one
  });
  ask(
      worker_of(id),
      [id, admission](io::GatewayWorker& worker) { return worker.admit(id, admission); },
      [this, id, replaced = std::move(replaced), reply = std::move(reply)](bool admitted) {
        if (!admitted) forget(id);
        for (const session::SessionId old :
             admitted ? replaced : std::vector<session::SessionId>{}) {
          post_to(worker_of(old), [old](io::GatewayWorker& worker) {
            worker.end(old, fail(Errc::refused, "the client has connected anew"));
          });
        }
        reply(admitted);
      });
}

void GatewayWorkers::refuse(session::SessionId id, std::string details)
{
  post_to(worker_of(id), [id, details = std::move(details)](io::GatewayWorker& worker) {
    worker.refuse(id, details);
  });
}

void GatewayWorkers::on_session_over(session::SessionId id, session::Visitor visitor,
                                     session::Admission admission, Error reason)
{
  asio::post(control_, [this, id, visitor = std::move(visitor), admission = std::move(admission),
                        reason = std::move(reason)] {
    forget(id);
    listener_.on_session_over(id, visitor, admission, reason);
  });
}

void GatewayWorkers::forget(session::SessionId id)
{
  for (const SessionBook::Change& change : book_.remove(id)) {
    if (change.holder) {
      assign(change.address, *change.holder);
    } else if (wanted_workers_ > 1) {
      exchange_.withdraw(change.address);
      if (steering_) steering_->withdraw(change.address);
    }
  }
}

void GatewayWorkers::kick(std::function<bool(const io::SessionReport&)> matches,
                          std::function<void(std::uint32_t)> reply) const
{
  ask_all<std::uint32_t>(
      [matches = std::move(matches)](io::GatewayWorker& worker) {
        std::vector<session::SessionId> ids;
        for (const io::SessionReport& session : worker.report().sessions) {
          if (matches(session)) ids.push_back(session.id);
        }
        worker.kick(ids);
        return static_cast<std::uint32_t>(ids.size());
      },
      [reply = std::move(reply)](const std::vector<std::uint32_t>& kicked) {
        std::uint32_t all = 0;
        for (const std::uint32_t count : kicked) all += count;
        reply(all);
      });
}

void GatewayWorkers::change_rules(const session::AdmissionRules& rules) const
{
  for (std::size_t i = 0; i < members_.size(); ++i)
    post_to(i,
            [rules](io::GatewayWorker& worker) mutable { worker.change_rules(std::move(rules)); });
}

void GatewayWorkers::change_options(const session::GatewayEndpointOptions& options) const
{
  for (std::size_t i = 0; i < members_.size(); ++i) {
    post_to(i, [share = share_of(options, i, wanted_workers_)](io::GatewayWorker& worker) {
      worker.change_options(share);
    });
  }
}

void GatewayWorkers::report(std::function<void(io::GatewayReport)> reply) const
{
  ask_all<io::GatewayReport>([](io::GatewayWorker& worker) { return worker.report(); },
                             [reply = std::move(reply)](std::vector<io::GatewayReport> reports) {
                               io::GatewayReport all;
                               for (io::GatewayReport& one : reports) {
                                 all.traffic += one.traffic;
                                 std::ranges::move(one.sessions, std::back_inserter(all.sessions));
                               }
                               reply(std::move(all));
                             });
}

}  // namespace slopn::daemon
