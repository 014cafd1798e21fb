#include "libtunnel/quic/native_memory.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace slopn::quic {
namespace {

// Pieces of 64, 128, ... 512 bytes are kept; others come from the heap each time.
constexpr std::size_t kStepBytes = 64;
constexpr std::size_t kClasses = 8;
// What one thread keeps of each class. A train in flight on a fast path is some thousand packets.
// Nothing where AddressSanitizer watches, which must see each piece come and go.
#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kMaxKeptBytes = 0;
#else
constexpr std::size_t kMaxKeptBytes = 512 * 1024;
#endif

// In front of each piece: which class it belongs to; 0 is none. As long as any alignment asks.
struct alignas(std::max_align_t) Header {
  std::size_t size_class;
  std::size_t size_bytes;  // what was asked for
};

struct Free {
  Free* next;
};

// The pieces that one thread has ready.
class Shelf {
 public:
  Shelf() noexcept = default;
  Shelf(const Shelf&) = delete;
  Shelf& operator=(const Shelf&) = delete;
  ~Shelf()
  {
    for (Free* first : free_) {
      while (first != nullptr) std::free(std::exchange(first, first->next));
    }
  }

  void* take(std::size_t size_class) noexcept
  {
    Free*& first = free_[size_class];
    if (first == nullptr) return std::malloc(sizeof(Header) + size_class * kStepBytes);
    --kept_[size_class];
    return std::exchange(first, first->next);
  }

  void give(std::size_t size_class, void* memory) noexcept
  {
    if (kept_[size_class] * size_class * kStepBytes >= kMaxKeptBytes) return std::free(memory);
    ++kept_[size_class];
    free_[size_class] = ::new (memory) Free{free_[size_class]};
  }

 private:
  std::array<Free*, kClasses + 1> free_{};
  std::array<std::size_t, kClasses + 1> kept_{};
};

thread_local Shelf shelf;

void* allocate(std::size_t size_bytes, void* /*user*/) noexcept
{
  const std::size_t size_class = (size_bytes + kStepBytes - 1) / kStepBytes;
  const bool kept = size_class > 0 && size_class <= kClasses;
  if (size_bytes > SIZE_MAX - sizeof(Header)) return nullptr;
  void* memory = kept ? shelf.take(size_class) : std::malloc(sizeof(Header) + size_bytes);
  if (memory == nullptr) return nullptr;
  auto* header = ::new (memory) Header{kept ? size_class : 0, size_bytes};
  return header + 1;
}

void release(void* pointer, void* /*user*/) noexcept
{
  if (pointer == nullptr) return;
  Header* header = static_cast<Header*>(pointer) - 1;
  if (header->size_class == 0) return std::free(header);
  shelf.give(header->size_class, header);
}

void* allocate_zeroed(std::size_t count, std::size_t size_bytes, void* user) noexcept
{
  if (size_bytes != 0 && count > SIZE_MAX / size_bytes) return nullptr;
  void* pointer = allocate(count * size_bytes, user);
  if (pointer != nullptr) std::memset(pointer, 0, count * size_bytes);
  return pointer;
}

void* reallocate(void* pointer, std::size_t size_bytes, void* user) noexcept
{
  if (pointer == nullptr) return allocate(size_bytes, user);
  void* moved = allocate(size_bytes, user);
  if (moved == nullptr) return nullptr;
  const Header* header = static_cast<const Header*>(pointer) - 1;
  std::memcpy(moved, pointer, std::min(size_bytes, header->size_bytes));
  release(pointer, user);
  return moved;
}

}  // namespace

const ngtcp2_mem* native_memory() noexcept
{
  static const ngtcp2_mem memory{.user_data = nullptr,
                                 .malloc = allocate,
                                 .free = release,
                                 .calloc = allocate_zeroed,
                                 .realloc = reallocate};
  return &memory;
}

}  // namespace slopn::quic
