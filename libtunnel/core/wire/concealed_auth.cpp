#include "libtunnel/core/wire/concealed_auth.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

#include "libtunnel/base/ip.hpp"
#include "libtunnel/core/wire/varint.hpp"

namespace slopn::wire {
namespace {

constexpr std::string_view kScheme = "Concealed";
constexpr std::string_view kSignedText = "HTTP Concealed Authentication";
constexpr std::size_t kSignedSpaces = 64;
constexpr std::size_t kMaxParameters = 32;

void append_text(ByteVector& out, std::string_view text)
{
  const ByteView bytes = as_bytes(text);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void append_prefixed(ByteVector& out, ByteView bytes)
{
  append_varint(out, bytes.size());
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void append_word(ByteVector& out, std::uint16_t value)
{
  out.push_back(static_cast<std::byte>(value >> 8U));
  out.push_back(static_cast<std::byte>(value & 0xffU));
}

char lower(char c) noexcept
{
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept
{
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool is_digit(char c) noexcept
{
  return c >= '0' && c <= '9';
}

bool is_alphanumeric(char c) noexcept
{
  return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z');
}

// tchar of RFC 9110 section 5.6.2.
bool is_token_char(char c) noexcept
{
  return is_alphanumeric(c) ||
         std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
}

struct Parameter {
  std::string_view name;
  std::string value;
  bool quoted = false;
};

// Reads `*( auth-param OWS "," OWS )`, RFC 9110 section 11.2; empty list elements are allowed.
class ParameterReader {
 public:
  explicit ParameterReader(std::string_view text) noexcept : text_(text) {}

  // nullopt: the text is no list of parameters.
  std::optional<std::vector<Parameter>> read_all()
  {
    std::vector<Parameter> parameters;
    while (skip_separators()) {
      auto parameter = read_one();
      if (!parameter || parameters.size() == kMaxParameters) return std::nullopt;
      parameters.push_back(std::move(*parameter));
      skip_spaces();
      if (!text_.empty() && text_.front() != ',') return std::nullopt;
    }
    return parameters;
  }

 private:
  void skip_spaces() noexcept
  {
    text_.remove_prefix(std::min(text_.find_first_not_of(" \t"), text_.size()));
  }

  // False at the end of the text.
  bool skip_separators() noexcept
  {
    text_.remove_prefix(std::min(text_.find_first_not_of(" \t,"), text_.size()));
    return !text_.empty();
  }

  std::string_view read_token() noexcept
  {
    const auto end = std::ranges::find_if_not(text_, is_token_char);
    const std::string_view token = text_.substr(0, static_cast<std::size_t>(end - text_.begin()));
    text_.remove_prefix(token.size());
    return token;
  }

  std::optional<Parameter> read_one()
  {
    Parameter parameter;
    parameter.name = read_token();
    skip_spaces();
    if (parameter.name.empty() || text_.empty() || text_.front() != '=') return std::nullopt;
    text_.remove_prefix(1);
    skip_spaces();
    if (!text_.empty() && text_.front() == '"') {
      auto value = read_quoted();
      if (!value) return std::nullopt;
      parameter.value = std::move(*value);
      parameter.quoted = true;
      return parameter;
    }
    parameter.value = read_token();
    if (parameter.value.empty()) return std::nullopt;
    return parameter;
  }

  // RFC 9110 section 5.6.4.
  std::optional<std::string> read_quoted()
  {
    std::string value;
    for (std::size_t i = 1; i < text_.size(); ++i) {
      char c = text_[i];
      if (c == '"') {
        text_.remove_prefix(i + 1);
        return value;
      }
      if (c == '\\' && ++i < text_.size()) c = text_[i];
      if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) return std::nullopt;
      value += c;
    }
    return std::nullopt;
  }

  std::string_view text_;
};

// Byte sequences are plain base64url: no quotes, no padding; RFC 9729 section 4.
std::optional<ByteVector> read_bytes(const Parameter& parameter)
{
  const auto allowed = [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; };
  if (parameter.quoted || !std::ranges::all_of(parameter.value, allowed)) return std::nullopt;
  return from_base64(parameter.value);
}

// No sign and no leading zero.
std::optional<std::uint16_t> read_scheme_number(const Parameter& parameter)
{
  const std::string& text = parameter.value;
  if (parameter.quoted || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  std::uint16_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

const Parameter* only(const std::vector<Parameter>& parameters, std::string_view name)
{
  const Parameter* found = nullptr;
  for (const Parameter& parameter : parameters) {
    if (!equal_ignoring_case(parameter.name, name)) continue;
    if (found != nullptr) return nullptr;
    found = &parameter;
  }
  return found;
}

std::optional<ByteVector> required_bytes(const std::vector<Parameter>& parameters,
                                         std::string_view name)
{
  const Parameter* parameter = only(parameters, name);
  return parameter == nullptr ? std::nullopt : read_bytes(*parameter);
}

bool has(const std::vector<Parameter>& parameters, std::string_view name)
{
  return std::ranges::any_of(
      parameters, [&](const Parameter& one) { return equal_ignoring_case(one.name, name); });
}

std::string quoted(std::string_view text)
{
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

std::optional<std::uint16_t> parse_port(std::string_view text)
{
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

bool is_host(std::string_view host)
{
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    const auto address = IpAddress::parse(host.substr(1, host.size() - 2));
    return address && address->is_v6();
  }
  const auto allowed = [](char c) {
    return is_alphanumeric(c) || c == '-' || c == '.' || c == '_';
  };
  return !host.empty() && std::ranges::all_of(host, allowed);
}

}  // namespace

ByteView signature_input(const ConcealedExport& output) noexcept
{
  return ByteView{output}.first(kConcealedSignatureInputBytes);
}

ByteView verification(const ConcealedExport& output) noexcept
{
  return ByteView{output}.last(kConcealedVerificationBytes);
}

ByteVector exporter_context(const ConcealedBinding& binding)
{
  ByteVector context;
  append_word(context, binding.signature_scheme);
  append_prefixed(context, binding.key_id);
  append_prefixed(context, binding.public_key);
  append_prefixed(context, as_bytes(binding.scheme));
  append_prefixed(context, as_bytes(binding.host));
  append_word(context, binding.port);
  append_prefixed(context, as_bytes(binding.realm));
  return context;
}

ByteVector signed_content(ByteView signature_input)
{
  ByteVector content(kSignedSpaces, std::byte{' '});
  append_text(content, kSignedText);
  content.push_back(std::byte{0});
  content.insert(content.end(), signature_input.begin(), signature_input.end());
  return content;
}

std::string ConcealedCredentials::format() const
{
  std::string text{kScheme};
  text += " k=" + to_base64url(key_id);
  text += ", a=" + to_base64url(public_key);
  text += ", s=" + std::to_string(signature_scheme);
  text += ", v=" + to_base64url(verification);
  text += ", p=" + to_base64url(proof);
  if (!realm.empty()) text += ", realm=" + quoted(realm);
  return text;
}

std::optional<ConcealedCredentials> ConcealedCredentials::parse(std::string_view authorization)
{
  if (authorization.size() > kMaxHeaderBytes) return std::nullopt;
  const auto space = authorization.find(' ');
  if (space == std::string_view::npos ||
      !equal_ignoring_case(authorization.substr(0, space), kScheme))
    return std::nullopt;
  const auto parameters = ParameterReader{authorization.substr(space)}.read_all();
  if (!parameters) return std::nullopt;

  auto key_id = required_bytes(*parameters, "k");
  auto public_key = required_bytes(*parameters, "a");
  auto verification = required_bytes(*parameters, "v");
  auto proof = required_bytes(*parameters, "p");
  const Parameter* scheme = only(*parameters, "s");
  if (!key_id || !public_key || !verification || !proof || scheme == nullptr) return std::nullopt;
  const auto signature_scheme = read_scheme_number(*scheme);
  if (!signature_scheme) return std::nullopt;

  const Parameter* realm = only(*parameters, "realm");
  if (realm == nullptr && has(*parameters, "realm")) return std::nullopt;
  return ConcealedCredentials{
      .key_id = std::move(*key_id),
      .public_key = std::move(*public_key),
      .signature_scheme = *signature_scheme,
      .verification = std::move(*verification),
      .proof = std::move(*proof),
      .realm = realm == nullptr ? std::string{} : realm->value,
  };
}

ConcealedBinding binding_for(const ConcealedCredentials& credentials, std::string_view host,
                             std::uint16_t port) noexcept
{
  ConcealedBinding binding;
  binding.signature_scheme = credentials.signature_scheme;
  binding.key_id = credentials.key_id;
  binding.public_key = credentials.public_key;
  binding.host = host;
  binding.port = port;
  binding.realm = credentials.realm;
  return binding;
}

bool proof_holds(const ConcealedCredentials& credentials, ByteView known_key,
                 const ConcealedExport& output, const SignatureCheck& check)
{
  return equal_constant_time(credentials.public_key, known_key) &&
         equal_constant_time(credentials.verification, verification(output)) &&
         check(signed_content(signature_input(output)), credentials.proof);
}

std::optional<HttpAuthority> split_authority(std::string_view authority, std::uint16_t default_port)
{
  const auto bracket = authority.find(']');
  const auto colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  const std::string_view host = authority.substr(0, colon);
  if (!is_host(host)) return std::nullopt;

  HttpAuthority split{std::string{host}, default_port};
  std::ranges::transform(split.host, split.host.begin(), lower);
  if (colon != std::string_view::npos) {
    const auto port = parse_port(authority.substr(colon + 1));
    if (!port) return std::nullopt;
    split.port = *port;
  }
  return split;
}

}  // namespace slopn::wire
