#include "platform/linux/tun_steering.hpp"

#include <linux/bpf.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

#include "libtunnel/base/unique_fd.hpp"
#include "platform/linux/os_error.hpp"

namespace slopn::platform {
namespace {

// An address as the table knows it: 16 bytes, IPv4 as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2).
using Key = std::array<std::uint8_t, 16>;
constexpr std::size_t kMappedBytes = 12;

Key key_of(const IpAddress& address)
{
  Key key{};
  const ByteView bytes = address.bytes();
  const std::size_t at = address.is_v4() ? kMappedBytes : 0;
  if (address.is_v4()) key[10] = key[11] = 0xff;
  std::memcpy(key.data() + at, bytes.data(), bytes.size());
  return key;
}

long bpf(bpf_cmd command, bpf_attr& attributes)
{
  return ::syscall(SYS_bpf, command, &attributes, sizeof attributes);
}

Result<UniqueFd> make_table(std::size_t max_addresses)
{
  bpf_attr table{};
  table.map_type = BPF_MAP_TYPE_HASH;
  table.key_size = sizeof(Key);
  table.value_size = sizeof(std::uint32_t);
  table.max_entries = static_cast<std::uint32_t>(max_addresses);
  table.map_flags = BPF_F_NO_PREALLOC;  // memory only for those that are there
  UniqueFd fd{static_cast<int>(bpf(BPF_MAP_CREATE, table))};
  if (!fd) return last_os_error("make a BPF table");
  return fd;
}

// ---- The program ----------------------------------------------------------------------------
//
//   key = ::ffff:(destination of IPv4) or (destination of IPv6), by the first four bits
//   queue = table[key], or 0
//
// It runs for each packet that the host sends into the TUN, super-packets included, whose bytes
// begin with the IP header.

constexpr std::int16_t kKeyOnStack = -static_cast<std::int16_t>(sizeof(Key));
constexpr std::int16_t kFirstByteOnStack = kKeyOnStack - 8;
constexpr std::int32_t kDestination4 = 16;  // in the IP header
constexpr std::int32_t kDestination6 = 24;

bpf_insn instruction(unsigned code, unsigned target, unsigned source, std::int16_t offset,
                     std::int32_t value)
{
  bpf_insn made{};
  made.code = static_cast<std::uint8_t>(code);
  made.dst_reg = target & 0xfU;
  made.src_reg = source & 0xfU;
  made.off = offset;
  made.imm = value;
  return made;
}

bpf_insn set(unsigned target, std::int32_t value)
{
  return instruction(BPF_ALU64 | BPF_MOV | BPF_K, target, 0, 0, value);
}

bpf_insn copy(unsigned target, unsigned source)
{
  return instruction(BPF_ALU64 | BPF_MOV | BPF_X, target, source, 0, 0);
}

bpf_insn add(unsigned target, std::int32_t value)
{
  return instruction(BPF_ALU64 | BPF_ADD | BPF_K, target, 0, 0, value);
}

bpf_insn store_word(std::int16_t at, std::int32_t value)
{
  return instruction(BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, at, value);
}

bpf_insn jump(std::int16_t distance)
{
  return instruction(BPF_JMP | BPF_JA, 0, 0, distance, 0);
}

bpf_insn jump_if(unsigned condition, unsigned target, std::int32_t value, std::int16_t distance)
{
  return instruction(BPF_JMP | condition | BPF_K, target, 0, distance, value);
}

bpf_insn call(bpf_func_id function)
{
  return instruction(BPF_JMP | BPF_CALL, 0, 0, 0, function);
}

// Programs are written from parts, and jumps count instructions.
class Assembler {
 public:
  Assembler& put(std::initializer_list<bpf_insn> instructions)
  {
    code_.insert(code_.end(), instructions);
    return *this;
  }

  // r0 = load_bytes(packet, from, stack + to, size): 0, or negative for a packet that is too short
  Assembler& load_bytes(std::int32_t from, std::int16_t to, std::int32_t size)
  {
    return put({copy(BPF_REG_1, BPF_REG_6), set(BPF_REG_2, from), copy(BPF_REG_3, BPF_REG_10),
                add(BPF_REG_3, to), set(BPF_REG_4, size), call(BPF_FUNC_skb_load_bytes)});
  }
  static constexpr std::int16_t kLoadBytesLength = 6;

  [[nodiscard]] const std::vector<bpf_insn>& code() const noexcept { return code_; }

 private:
  std::vector<bpf_insn> code_;
};

std::vector<bpf_insn> steering_program(int table)
{
  constexpr std::int32_t kIpV4 = 4;
  constexpr std::int32_t kIpV6 = 6;
  constexpr auto kMappedPrefix =
      std::bit_cast<std::int32_t>(std::array<std::uint8_t, 4>{0, 0, 0xff, 0xff});
  constexpr auto kLoad = Assembler::kLoadBytesLength;
  Assembler program;
  program.put({copy(BPF_REG_6, BPF_REG_1)})
      .load_bytes(0, kFirstByteOnStack, 1)
      .put({jump_if(BPF_JEQ, BPF_REG_0, 0, 2), set(BPF_REG_0, 0),
            instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)})
      .put({instruction(BPF_LDX | BPF_MEM | BPF_B, BPF_REG_7, BPF_REG_10, kFirstByteOnStack, 0),
            instruction(BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_7, 0, 0, 4)})
      // The key of IPv4 first; that of IPv6 covers all of it.
      .put({store_word(kKeyOnStack, 0), store_word(kKeyOnStack + 4, 0),
            store_word(kKeyOnStack + 8, kMappedPrefix), store_word(kKeyOnStack + 12, 0),
            jump_if(BPF_JEQ, BPF_REG_7, kIpV4, 3), jump_if(BPF_JEQ, BPF_REG_7, kIpV6, kLoad + 3),
            set(BPF_REG_0, 0), instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)})
      .load_bytes(kDestination4, kKeyOnStack + static_cast<std::int16_t>(kMappedBytes), 4)
      .put({jump(kLoad)})
      .load_bytes(kDestination6, kKeyOnStack, sizeof(Key))
      // r0 is the outcome of either load.
      .put({jump_if(BPF_JEQ, BPF_REG_0, 0, 2), set(BPF_REG_0, 0),
            instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
            instruction(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, table),
            instruction(0, 0, 0, 0, 0),  // the upper half of the constant
            copy(BPF_REG_2, BPF_REG_10), add(BPF_REG_2, kKeyOnStack),
            call(BPF_FUNC_map_lookup_elem), jump_if(BPF_JEQ, BPF_REG_0, 0, 1),
            instruction(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_0, BPF_REG_0, 0, 0),
            instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)});
  return program.code();
}

Result<UniqueFd> load_program(const std::vector<bpf_insn>& code)
{
  bpf_attr program{};
  program.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
  program.insns = reinterpret_cast<std::uintptr_t>(code.data());
  program.insn_cnt = static_cast<std::uint32_t>(code.size());
  program.license = reinterpret_cast<std::uintptr_t>("");  // calls nothing that asks for one
  constexpr std::string_view kName = "slopn_steer";
  std::ranges::copy(kName, program.prog_name);
  UniqueFd fd{static_cast<int>(bpf(BPF_PROG_LOAD, program))};
  if (!fd) return last_os_error("load a BPF program");
  return fd;
}

class LinuxTunSteering final : public TunSteering {
 public:
  explicit LinuxTunSteering(UniqueFd table) : table_(std::move(table)) {}

  Result<> assign(const IpAddress& address, std::size_t queue) override
  {
    Key key = key_of(address);
    std::uint32_t value = static_cast<std::uint32_t>(queue);
    bpf_attr change = entry(key);
    change.value = reinterpret_cast<std::uintptr_t>(&value);
    change.flags = BPF_ANY;
    if (bpf(BPF_MAP_UPDATE_ELEM, change) < 0) return last_os_error("steer " + address.to_string());
    return {};
  }

  void withdraw(const IpAddress& address) override
  {
    Key key = key_of(address);
    bpf_attr change = entry(key);
    (void)bpf(BPF_MAP_DELETE_ELEM, change);
  }

 private:
  [[nodiscard]] bpf_attr entry(Key& key) const
  {
    bpf_attr change{};
    change.map_fd = static_cast<std::uint32_t>(table_.get());
    change.key = reinterpret_cast<std::uintptr_t>(key.data());
    return change;
  }

  UniqueFd table_;
};

}  // namespace

Result<std::unique_ptr<TunSteering>> steer_tun(int tun_fd, std::size_t max_addresses)
{
  auto table = make_table(max_addresses);
  if (!table) return table.error();
  const auto program = load_program(steering_program(table->get()));
  if (!program) return program.error();
  // The interface keeps the program, and the program the table.
  int program_fd = program->get();
  if (::ioctl(tun_fd, TUNSETSTEERINGEBPF, &program_fd) < 0)
    return last_os_error("steer the queues of the TUN");
  return std::make_unique<LinuxTunSteering>(std::move(*table));
}

}  // namespace slopn::platform
