#include "tests/unit/control/api_compatibility.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/text_format.h>

#include <catch2/catch_test_macros.hpp>
#include <fstream>
#include <functional>
#include <sstream>

#include "daemon/control/api_level.hpp"
#include "slopn/control/v1/control.pb.h"

namespace {

using namespace slopn;
using namespace google::protobuf;
using test::breaking_changes;

const std::string kRecord = std::string{SLOPN_SOURCE_DIR} + "/tests/unit/control/api_v1.txtpb";

void add_with_imports(const FileDescriptor& file, FileDescriptorSet& set)
{
  if (file.package() != "slopn.control.v1") return;
  for (const auto& one : set.file()) {
    if (one.name() == file.name()) return;
  }
  for (int i = 0; i < file.dependency_count(); ++i) add_with_imports(*file.dependency(i), set);
  auto& proto = *set.add_file();
  file.CopyTo(&proto);
  file.CopyJsonNameTo(&proto);
}

/// The API as it was compiled.
FileDescriptorSet compiled()
{
  FileDescriptorSet set;
  add_with_imports(*slopn::control::v1::GetVersionRequest::descriptor()->file(), set);
  return set;
}

/// The API as it was promised.
FileDescriptorSet recorded()
{
  std::stringstream text;
  text << std::ifstream{kRecord}.rdbuf();
  FileDescriptorSet set;
  REQUIRE(TextFormat::ParseFromString(text.str(), &set));
  return set;
}

FileDescriptorProto& file_in(FileDescriptorSet& set, const std::string& name)
{
  for (auto& file : *set.mutable_file()) {
    if (file.name() == "slopn/control/v1/" + name) return file;
  }
  throw std::out_of_range(name);
}

DescriptorProto& message_in(FileDescriptorProto& file, const std::string& name)
{
  for (auto& message : *file.mutable_message_type()) {
    if (message.name() == name) return message;
  }
  throw std::out_of_range(name);
}

FieldDescriptorProto& field_in(DescriptorProto& message, const std::string& name)
{
  for (auto& field : *message.mutable_field()) {
    if (field.name() == name) return field;
  }
  throw std::out_of_range(name);
}

struct Mutation {
  std::string what;
  std::function<void(FileDescriptorSet&)> apply;
};

std::vector<Mutation> forbidden_mutations()
{
  const auto on_profile = [](std::function<void(DescriptorProto&)> change) {
    return [change = std::move(change)](FileDescriptorSet& set) {
      change(message_in(file_in(set, "control.proto"), "Profile"));
    };
  };
  const auto on_field = [&](std::function<void(FieldDescriptorProto&)> change) {
    return on_profile([change = std::move(change)](DescriptorProto& profile) {
      change(field_in(profile, "gateway"));
    });
  };
  return {
      {"field removed", on_profile([](auto& m) { m.mutable_field()->DeleteSubrange(1, 1); })},
      {"field removed and its number reserved", on_profile([](auto& m) {
         m.mutable_field()->DeleteSubrange(1, 1);
         auto& range = *m.add_reserved_range();
         range.set_start(2);
         range.set_end(3);
       })},
      {"field renumbered", on_field([](auto& f) { f.set_number(99); })},
      {"field renamed", on_field([](auto& f) { f.set_name("server"); })},
      {"field's JSON name changed", on_field([](auto& f) { f.set_json_name("server"); })},
      {"field retyped", on_field([](auto& f) { f.set_type(FieldDescriptorProto::TYPE_BYTES); })},
      {"field made repeated",
       on_field([](auto& f) { f.set_label(FieldDescriptorProto::LABEL_REPEATED); })},
      {"field made optional", on_field([](auto& f) { f.set_proto3_optional(true); })},
      {"repeated field made single", on_profile([](auto& m) {
         field_in(m, "gateways").set_label(FieldDescriptorProto::LABEL_OPTIONAL);
       })},
      {"field moved into a oneof", on_profile([](auto& m) {
         m.add_oneof_decl()->set_name("choice");
         field_in(m, "gateway").set_oneof_index(0);
       })},
      {"field moved out of its oneof",
       [](auto& set) {
         field_in(message_in(file_in(set, "control.proto"), "ConnectRequest"), "uri")
             .clear_oneof_index();
       }},
      {"field of another message",
       [](auto& set) {
         field_in(message_in(file_in(set, "control.proto"), "GetStatusResponse"), "status")
             .set_type_name(".slopn.control.v1.ClientStatus");
       }},
      {"message removed",
       [](auto& set) {
         file_in(set, "control.proto").mutable_message_type()->DeleteSubrange(0, 1);
       }},
      {"nested message removed",
       [](auto& set) {
         message_in(file_in(set, "status.proto"), "ClientStatus")
             .mutable_nested_type()
             ->DeleteSubrange(0, 1);
       }},
      {"value of an enumeration removed",
       [](auto& set) {
         file_in(set, "status.proto").mutable_enum_type(0)->mutable_value()->DeleteSubrange(3, 1);
       }},
      {"value of an enumeration renumbered",
       [](auto& set) {
         file_in(set, "status.proto").mutable_enum_type(0)->mutable_value(3)->set_number(77);
       }},
      {"value of an enumeration renamed",
       [](auto& set) {
         file_in(set, "status.proto").mutable_enum_type(0)->mutable_value(3)->set_name("OTHER");
       }},
      {"nested enumeration's value removed",
       [](auto& set) {
         message_in(file_in(set, "settings.proto"), "Settings")
             .mutable_enum_type(0)
             ->mutable_value()
             ->RemoveLast();
       }},
      {"enumeration removed",
       [](auto& set) { file_in(set, "events.proto").mutable_enum_type()->RemoveLast(); }},
      {"method removed",
       [](auto& set) {
         file_in(set, "control.proto").mutable_service(0)->mutable_method()->DeleteSubrange(2, 1);
       }},
      {"method renamed",
       [](auto& set) {
         file_in(set, "control.proto").mutable_service(0)->mutable_method(2)->set_name("Dial");
       }},
      {"method's request changed",
       [](auto& set) {
         file_in(set, "control.proto")
             .mutable_service(0)
             ->mutable_method(2)
             ->set_input_type(".slopn.control.v1.DisconnectRequest");
       }},
      {"method's response changed",
       [](auto& set) {
         file_in(set, "control.proto")
             .mutable_service(0)
             ->mutable_method(2)
             ->set_output_type(".slopn.control.v1.DisconnectResponse");
       }},
      {"method made a stream",
       [](auto& set) {
         file_in(set, "control.proto")
             .mutable_service(0)
             ->mutable_method(2)
             ->set_server_streaming(true);
       }},
      {"service removed",
       [](auto& set) { file_in(set, "control.proto").mutable_service()->RemoveLast(); }},
      {"package changed",
       [](auto& set) { file_in(set, "status.proto").set_package("slopn.control.v2"); }},
      {"syntax changed", [](auto& set) { file_in(set, "status.proto").set_syntax("proto2"); }},
      {"file removed", [](auto& set) { set.mutable_file()->RemoveLast(); }},
  };
}

}  // namespace

TEST_CASE("api: nothing that was promised has changed", "[unit][control]")
{
  INFO("docs/api-compatibility.md has the rules");
  for (const auto& change : breaking_changes(recorded(), compiled())) FAIL_CHECK(change);
}

TEST_CASE("api: what was added is in the record, so that it is kept from now on", "[unit][control]")
{
  INFO("raise kApiLevel and run: unit_control '[.update]'");
  for (const auto& change : breaking_changes(compiled(), recorded())) FAIL_CHECK(change);
}

TEST_CASE("api: write the record", "[.update]")
{
  std::string text;
  REQUIRE(TextFormat::PrintToString(compiled(), &text));
  std::ofstream{kRecord} << "# The API as it is promised: docs/api-compatibility.md. Level "
                         << slopn::control::kApiLevel
                         << ".\n# Written by: unit_control '[.update]'\n"
                         << text;
}

TEST_CASE("api: the record was written at the present level", "[unit][control]")
{
  std::string line;
  std::ifstream record{kRecord};
  std::getline(record, line);
  CHECK(line.ends_with("Level " + std::to_string(slopn::control::kApiLevel) + "."));
}

TEST_CASE("api: every forbidden change of the descriptors is noticed", "[unit][control]")
{
  const auto before = compiled();
  REQUIRE(breaking_changes(before, before).empty());
  for (const auto& mutation : forbidden_mutations()) {
    CAPTURE(mutation.what);
    auto after = before;
    mutation.apply(after);
    REQUIRE(after.SerializeAsString() != before.SerializeAsString());
    CHECK_FALSE(breaking_changes(before, after).empty());
  }
}

TEST_CASE("api: a reserved number is not taken again", "[unit][control]")
{
  auto before = compiled();
  auto& range = *message_in(file_in(before, "control.proto"), "Profile").add_reserved_range();
  range.set_start(50);
  range.set_end(60);
  auto after = before;
  auto& field = *message_in(file_in(after, "control.proto"), "Profile").add_field();
  field.set_name("new");
  field.set_number(55);
  CHECK(breaking_changes(before, after).size() == 1);
  field.set_number(60);
  CHECK(breaking_changes(before, after).empty());
}

TEST_CASE("api: what is allowed is let pass", "[unit][control]")
{
  const auto before = compiled();
  auto after = before;
  auto& file = file_in(after, "control.proto");
  auto& field = *message_in(file, "Profile").add_field();
  field.set_name("colour");
  field.set_number(100);
  file.add_message_type()->set_name("PaintRequest");
  file.mutable_service(0)->add_method()->set_name("Paint");
  auto& value = *file.mutable_enum_type(0)->add_value();
  value.set_name("ROLE_PAINTER");
  value.set_number(9);
  after.add_file()->set_name("slopn/control/v1/paint.proto");
  file.mutable_message_type()->SwapElements(0, 1);
  CHECK(breaking_changes(before, after).empty());
}
