#include "tests/unit/control/api_compatibility.hpp"

#include <map>
#include <optional>

namespace slopn::test {
namespace {

using namespace google::protobuf;
using Breaks = std::vector<std::string>;

void require(bool good, const std::string& where, const std::string& what, Breaks& breaks)
{
  if (!good) breaks.push_back(where + ": " + what);
}

/// The element of that name; null when there is none.
template <class Elements>
const typename Elements::value_type* named(const Elements& elements, const std::string& name)
{
  for (const auto& one : elements) {
    if (one.name() == name) return &one;
  }
  return nullptr;
}

template <class Elements>
const typename Elements::value_type* numbered(const Elements& elements, int number)
{
  for (const auto& one : elements) {
    if (one.number() == number) return &one;
  }
  return nullptr;
}

/// The oneof a field is in, by name. Those that stand for `optional` count as none: presence is
/// compared apart.
std::string oneof_of(const DescriptorProto& message, const FieldDescriptorProto& field)
{
  if (!field.has_oneof_index() || field.proto3_optional()) return {};
  return message.oneof_decl(field.oneof_index()).name();
}

void compare_fields(const DescriptorProto& before, const DescriptorProto& after,
                    const std::string& where, Breaks& breaks)
{
  for (const auto& field : before.field()) {
    const std::string here = where + "." + field.name();
    const auto* now = numbered(after.field(), field.number());
    if (now == nullptr) {
      breaks.push_back(here + ": field " + std::to_string(field.number()) + " is gone");
      continue;
    }
    require(now->name() == field.name(), here, "is called " + now->name() + " now", breaks);
    require(now->json_name() == field.json_name(), here, "has another name in JSON", breaks);
    require(now->type() == field.type() && now->type_name() == field.type_name(), here,
            "has another type", breaks);
    require(now->label() == field.label(), here, "is one instead of many, or the reverse", breaks);
    require(now->proto3_optional() == field.proto3_optional(), here, "tells its presence otherwise",
            breaks);
    require(now->options().packed() == field.options().packed(), here, "is packed otherwise",
            breaks);
    require(oneof_of(after, *now) == oneof_of(before, field), here, "is in another oneof", breaks);
  }
  for (const auto& range : before.reserved_range()) {
    for (const auto& field : after.field()) {
      require(field.number() < range.start() || field.number() >= range.end(),
              where + "." + field.name(), "takes a number that was reserved", breaks);
    }
  }
}

void compare_enum(const EnumDescriptorProto& before, const EnumDescriptorProto& after,
                  const std::string& where, Breaks& breaks)
{
  for (const auto& value : before.value()) {
    const auto* now = named(after.value(), value.name());
    require(now != nullptr, where + "." + value.name(), "is gone", breaks);
    if (now != nullptr) {
      require(now->number() == value.number(), where + "." + value.name(), "has another number",
              breaks);
    }
  }
}

template <class Elements, class Compare>
void compare_each(const Elements& before, const Elements& after, const std::string& where,
                  Breaks& breaks, Compare compare)
{
  for (const auto& one : before) {
    const std::string here = where + "." + one.name();
    if (const auto* now = named(after, one.name())) {
      compare(one, *now, here, breaks);
    } else {
      breaks.push_back(here + ": is gone");
    }
  }
}

void compare_message(const DescriptorProto& before, const DescriptorProto& after,
                     const std::string& where, Breaks& breaks)
{
  compare_fields(before, after, where, breaks);
  compare_each(before.enum_type(), after.enum_type(), where, breaks, compare_enum);
  compare_each(before.nested_type(), after.nested_type(), where, breaks, compare_message);
}

void compare_method(const MethodDescriptorProto& before, const MethodDescriptorProto& after,
                    const std::string& where, Breaks& breaks)
{
  require(after.input_type() == before.input_type(), where, "has another request", breaks);
  require(after.output_type() == before.output_type(), where, "has another response", breaks);
  require(after.client_streaming() == before.client_streaming() &&
              after.server_streaming() == before.server_streaming(),
          where, "streams otherwise", breaks);
}

void compare_service(const ServiceDescriptorProto& before, const ServiceDescriptorProto& after,
                     const std::string& where, Breaks& breaks)
{
  compare_each(before.method(), after.method(), where, breaks, compare_method);
}

void compare_file(const FileDescriptorProto& before, const FileDescriptorProto& after,
                  Breaks& breaks)
{
  const std::string& where = before.package();
  require(after.package() == before.package(), before.name(), "has another package", breaks);
  require(after.syntax() == before.syntax(), before.name(), "has another syntax", breaks);
  compare_each(before.message_type(), after.message_type(), where, breaks, compare_message);
  compare_each(before.enum_type(), after.enum_type(), where, breaks, compare_enum);
  compare_each(before.service(), after.service(), where, breaks, compare_service);
}

}  // namespace

std::vector<std::string> breaking_changes(const FileDescriptorSet& before,
                                          const FileDescriptorSet& after)
{
  Breaks breaks;
  for (const auto& file : before.file()) {
    if (const auto* now = named(after.file(), file.name())) {
      compare_file(file, *now, breaks);
    } else {
      breaks.push_back(file.name() + ": is gone");
    }
  }
  return breaks;
}

}  // namespace slopn::test
