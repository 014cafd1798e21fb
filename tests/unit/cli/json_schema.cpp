#include "tests/unit/cli/json_schema.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <stdexcept>

namespace slopn::test {
namespace {

using nlohmann::json;
using Names = std::set<std::string>;

const json& file(const std::string& name)
{
  static std::map<std::string, json> files;
  const auto [found, fresh] = files.try_emplace(name);
  if (fresh) {
    std::ifstream stream{SLOPN_SCHEMAS_DIR "/" + name};
    if (!stream) throw std::runtime_error("there is no schema " + name);
    found->second = json::parse(stream);
  }
  return found->second;
}

/// Whether the value has one of JSON Schema's types.
bool has_type(const json& value, const std::string& type)
{
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "integer") return value.is_number_integer();
  if (type == "null") return value.is_null();
  throw std::runtime_error("a type that this validator does not know: " + type);
}

/// A schema and the file it is in, to which its references are relative.
struct Schema {
  const json* body;
  std::string in_file;
};

Schema resolve(const std::string& reference, const Schema& from)
{
  const auto hash = reference.find('#');
  const std::string name = hash == 0 ? from.in_file : reference.substr(0, hash);
  const json& whole = file(name);
  if (hash == std::string::npos) return {&whole, name};
  return {&whole.at(json::json_pointer{reference.substr(hash + 1)}), name};
}

class Validator {
 public:
  std::vector<std::string> errors;

  /// One place in the document: all its fields must be described.
  void check(const json& value, const Schema& schema, const std::string& path)
  {
    const Names described = apply(value, schema, path);
    if (!value.is_object()) return;
    for (const auto& [name, field] : value.items()) {
      if (!described.contains(name)) complain(path + "/" + name, "is not described");
    }
  }

 private:
  void complain(const std::string& path, const std::string& what)
  {
    errors.push_back((path.empty() ? "/" : path) + ": " + what);
  }

  /// Applies all keywords; returns the fields that they describe.
  Names apply(const json& value, const Schema& schema, const std::string& path)
  {
    static const Names kKnown{"$schema",     "$id",        "$defs",    "title",
                              "description", "type",       "$ref",     "enum",
                              "const",       "pattern",    "minimum",  "maximum",
                              "items",       "properties", "required", "additionalProperties",
                              "oneOf",       "allOf"};
    for (const auto& [keyword, unused] : schema.body->items()) {
      if (!kKnown.contains(keyword)) throw std::runtime_error("unknown keyword " + keyword);
    }
    apply_values(value, *schema.body, path);
    Names described = apply_fields(value, schema, path);
    if (const auto found = schema.body->find("items");
        found != schema.body->end() && value.is_array()) {
      for (std::size_t i = 0; i < value.size(); ++i) {
        check(value[i], {&*found, schema.in_file}, path + "/" + std::to_string(i));
      }
    }
    described.merge(apply_others(value, schema, path));
    return described;
  }

  void apply_values(const json& value, const json& body, const std::string& path)
  {
    if (body.contains("type") && !has_type(value, body["type"])) {
      complain(path, "is no " + body["type"].get<std::string>());
    }
    if (body.contains("const") && value != body["const"]) {
      complain(path, "is not " + body["const"].dump());
    }
    if (body.contains("enum") &&
        std::find(body["enum"].begin(), body["enum"].end(), value) == body["enum"].end()) {
      complain(path, "is none of the values: " + value.dump());
    }
    if (value.is_string() && body.contains("pattern") &&
        !std::regex_search(value.get<std::string>(),
                           std::regex{body["pattern"].get<std::string>()})) {
      complain(path, "does not match the pattern: " + value.dump());
    }
    if (value.is_number() && body.contains("minimum") && value < body["minimum"]) {
      complain(path, "is too small");
    }
    if (value.is_number() && body.contains("maximum") && value > body["maximum"]) {
      complain(path, "is too large");
    }
  }

  Names apply_fields(const json& value, const Schema& schema, const std::string& path)
  {
    Names described;
    if (!value.is_object()) return described;
    const json none = json::object();
    const json& properties =
        schema.body->contains("properties") ? (*schema.body)["properties"] : none;
    for (const auto& [name, field] : value.items()) {
      if (properties.contains(name)) {
        check(field, {&properties[name], schema.in_file}, path + "/" + name);
        described.insert(name);
      } else if (const auto other = schema.body->find("additionalProperties");
                 other != schema.body->end()) {
        check(field, {&*other, schema.in_file}, path + "/" + name);
        described.insert(name);
      }
    }
    if (!schema.body->contains("required")) return described;
    for (const auto& name : (*schema.body)["required"]) {
      if (!value.contains(name)) complain(path, "lacks " + name.get<std::string>());
    }
    return described;
  }

  Names apply_others(const json& value, const Schema& schema, const std::string& path)
  {
    Names described;
    if (schema.body->contains("$ref")) {
      described.merge(apply(value, resolve((*schema.body)["$ref"], schema), path));
    }
    if (schema.body->contains("allOf")) {
      for (const auto& one : (*schema.body)["allOf"]) {
        described.merge(apply(value, {&one, schema.in_file}, path));
      }
    }
    if (!schema.body->contains("oneOf")) return described;
    std::size_t matching = 0;
    std::vector<std::string> reasons;
    for (const auto& one : (*schema.body)["oneOf"]) {
      Validator attempt;
      Names names = attempt.apply(value, {&one, schema.in_file}, path);
      if (attempt.errors.empty()) {
        ++matching;
        described.merge(names);
      } else {
        reasons.insert(reasons.end(), attempt.errors.begin(), attempt.errors.end());
      }
    }
    if (matching != 1) {
      complain(path, "matches " + std::to_string(matching) + " alternatives instead of one");
      errors.insert(errors.end(), reasons.begin(), reasons.end());
    }
    return described;
  }
};

}  // namespace

std::vector<std::string> schema_errors(const json& document, const std::string& schema)
{
  Validator validator;
  validator.check(document, {&file(schema), schema}, "");
  return validator.errors;
}

}  // namespace slopn::test
