#include "daemon/supervisor/profile_link.hpp"

#include "daemon/supervisor/data_path_options.hpp"
#include "libtunnel/base/overloaded.hpp"

namespace slopn::daemon {
namespace {

std::string server_name(const config::Profile& profile, const config::HostPort& gateway)
{
  return profile.server_name.empty() ? gateway.host : profile.server_name;
}

Result<quic::TlsContext> make_tls(const config::Profile& profile, const config::HostPort& gateway)
{
  quic::ClientTlsOptions options;
  options.server_name = server_name(profile, gateway);
  std::visit(
      Overloaded{
          [&](const config::PinnedKeys& trust) { options.trust = quic::PinnedKeys{trust.pins}; },
          [&](const config::CertificateAuthority& trust) {
            quic::CertificateAuthorities authorities;
            if (!trust.ca_file.empty()) authorities.ca_path = trust.ca_file;
            options.trust = std::move(authorities);
          },
      },
      profile.trust);
  if (const auto* certificate = std::get_if<config::CertificateAuth>(&profile.auth)) {
    auto identity = config::load_identity(*certificate);
    if (!identity) return identity.error();
    options.certificate = std::move(*identity);
  }
  return quic::TlsContext::for_client(options);
}

Result<session::Credentials> make_credentials(const config::Auth& auth)
{
  return std::visit(
      Overloaded{
          [](const config::ConcealedAuth& concealed) -> Result<session::Credentials> {
            auto key = config::load_key(concealed);
            if (!key) return key.error();
            return session::Credentials{session::ConcealedKey{std::move(*key)}};
          },
          [](const config::BearerAuth& bearer) -> Result<session::Credentials> {
            auto token = config::load_token(bearer);
            if (!token) return token.error();
            return session::Credentials{session::BearerCredentials{std::move(*token)}};
          },
          [](const config::CertificateAuth&) -> Result<session::Credentials> {
            return session::Credentials{session::NoCredentials{}};
          },
          [](const config::NoAuth&) -> Result<session::Credentials> {
            return session::Credentials{session::NoCredentials{}};
          },
      },
      auth);
}

}  // namespace

Result<io::LinkOrder> make_link_order(const config::Config& config, const config::Profile& profile,
                                      tunnel::LinkId id)
{
  auto credentials = make_credentials(profile.auth);
  if (!credentials) return credentials.error();

  const std::uint16_t max_mtu = profile.max_mtu_bytes.value_or(config.client.max_mtu_bytes);
  session::ClientSessionOptions session;
  session.path = config::request_path(profile);
  session.credentials = std::move(*credentials);
  if (profile.address_request == config::AddressRequest::off) session.connect_ip.wishes.clear();
  session.quic.max_udp_payload_bytes = udp_payload_for(max_mtu);
  session.quic.idle_timeout = config.client.idle_timeout;
  session.quic.keep_alive = profile.keep_alive.value_or(config.client.keep_alive);
  session.quic.handshake_timeout = config.client.retry.handshake_timeout;
  session.quic.congestion_control = to_quic(config.transport.congestion_control);
  session.quic.pacing = config.transport.pacing;
  session.max_mtu_bytes = max_mtu;

  io::LinkOrder order{id, {}, socket_options(config, config.client.fwmark)};
  for (const config::HostPort& gateway : profile.gateways) {
    auto tls = make_tls(profile, gateway);
    if (!tls) return tls.error();
    session.authority = config::HostPort{server_name(profile, gateway), gateway.port}.to_string();
    order.gateways.push_back({gateway.to_string(), std::move(*tls), session});
  }
  return order;
}

ProfileSummary summarize(const config::Profile& profile)
{
  ProfileSummary summary;
  summary.name = profile.name;
  summary.gateway = profile.gateways.front().to_string();
  for (const config::HostPort& gateway : profile.gateways)
    summary.gateways.push_back(gateway.to_string());
  summary.authentication = config::method_name(profile.auth);
  if (const auto* concealed = std::get_if<config::ConcealedAuth>(&profile.auth)) {
    if (const auto key = config::load_key(*concealed))
      summary.client_key = key->public_key().to_string();
  }
  if (const auto* pinned = std::get_if<config::PinnedKeys>(&profile.trust))
    summary.gateway_pin = pinned->pins.front().to_string();
  return summary;
}

}  // namespace slopn::daemon
