// What a network asks for while it runs: its weights, block by block, and leave to go on.
#pragma once

#include <exception>
#include <utility>

#include "base/error.h"
#include "nn/parameter.h"

namespace lode::nn {

/// Thrown out of a forward pass whose caller has withdrawn the request; caught where the pass was
/// begun.
class Cancelled : public std::exception {
 public:
  const char* what() const noexcept override { return "the request was withdrawn"; }
};

/// Thrown out of a forward pass whose weights turn out to be unusable; caught as Cancelled is.
class LoadFailed : public std::exception {
 public:
  explicit LoadFailed(Error error) : error_(std::move(error)) {}
  const Error& error() const noexcept { return error_; }
  const char* what() const noexcept override { return error_.context.c_str(); }

 private:
  Error error_;
};

/// Followed through a network's forward pass. Between enter and leave of a block its parameters are
/// loaded; outside they may not be.
class Pass {
 public:
  virtual ~Pass() = default;
  /// Returns when the block's parameters are loaded. Throws Cancelled when asked to stop, and
  /// whatever the loading throws (out of memory).
  virtual void enter(const Block& block) = 0;
  /// The block's layers have been issued; its parameters may be dropped.
  virtual void leave(const Block& block) noexcept = 0;
};

/// Enters a block for as long as it lives.
class InBlock {
 public:
  InBlock(Pass& pass, const Block& block) : pass_(pass), block_(block) { pass_.enter(block_); }
  ~InBlock() { pass_.leave(block_); }
  InBlock(const InBlock&) = delete;
  InBlock& operator=(const InBlock&) = delete;

 private:
  Pass& pass_;
  const Block& block_;
};

/// For networks whose parameters are all loaded and stay so.
class EverythingLoaded final : public Pass {
 public:
  void enter(const Block&) override {}
  void leave(const Block&) noexcept override {}
};

}  // namespace lode::nn
