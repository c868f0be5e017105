// What stands between the connections and everything else: a request goes in, and a whole response
// or one that arrives in pieces comes out.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>

#include "api/http_message.h"

namespace jevons {

/// A response on its way. Made on any thread, then used on the I/O thread alone. Destroying it
/// before it is over (the client has gone) ends the work behind it, also its preparation.
class ResponseStream {
 public:
  virtual ~ResponseStream() = default;

  /// What is to be done on a preparation thread before the response can begin: asked for once.
  /// It may outlive the stream. Null: nothing.
  [[nodiscard]] virtual std::function<void()> preparation() { return nullptr; }
  /// After take(): false while the preparation may still refuse the request, so that the head is
  /// held back for a moment.
  [[nodiscard]] virtual bool is_prepared() const { return true; }
  /// Whether it is given up when the client has ended its side of the connection: it may have gone,
  /// and the work is dear.
  [[nodiscard]] virtual bool needs_client() const { return true; }

  /// True: the head goes out at once and pieces follow. False: a whole at the end, unless that
  /// takes so long that the client would give up; also of a request that was refused.
  [[nodiscard]] virtual bool is_streamed() const = 0;
  /// Status and headers; no body.
  [[nodiscard]] virtual HttpResponse head() const = 0;
  /// What can be sent now, perhaps nothing.
  [[nodiscard]] virtual std::string take() = 0;
  /// After take(): nothing more will come.
  [[nodiscard]] virtual bool is_over() const = 0;
  /// A sign of life that clients skip.
  [[nodiscard]] virtual std::string ping() = 0;
  /// Not streamed, over, and nothing sent so far: the response with a status of its own.
  /// `body` is what take() gave.
  [[nodiscard]] virtual HttpResponse whole(std::string body) = 0;
  /// The server is stopping and waits no longer.
  virtual void abandon() = 0;
};

using HttpAnswer = std::variant<HttpResponse, std::unique_ptr<ResponseStream>>;

struct Route;
struct RequestRecord;
class KeyLease;
struct ApiKey;

/// One request, from its head to the end of its response.
struct HttpExchange {
  HttpRequest request{};
  std::string peer{};  // address without the port
  std::chrono::steady_clock::time_point received{};
  int status = 0;                  // as it was sent; 0: the client left before
  std::uint64_t n_sent_bytes = 0;  // of the body
  std::stop_source gone{};         // requested: nobody waits for the response any more

  // Kept by the handler.
  std::string request_id{};
  const Route* route = nullptr;
  std::shared_ptr<const ApiKey> key{};
  std::shared_ptr<KeyLease> lease{};
  std::shared_ptr<RequestRecord> record{};
};

class HttpHandler {
 public:
  virtual ~HttpHandler() = default;

  /// On the I/O thread, once the head is there: an answer if the head alone decides (a refusal, a
  /// page that needs no body), which must be quick. The body is then not read.
  [[nodiscard]] virtual std::optional<HttpResponse> begin(HttpExchange& exchange) = 0;

  /// On a preparation thread, with the whole request; quick, as the long work is for the stream's
  /// preparation(). Not called for a request whose client has gone. `wake` may be called from any
  /// thread, also after the stream's end, and says that take() has something.
  [[nodiscard]] virtual HttpAnswer answer(const HttpExchange& exchange,
                                          std::function<void()> wake) = 0;

  /// On the I/O thread: an answer for bytes that are no request, or for one that came too slowly.
  [[nodiscard]] virtual HttpResponse refuse(HttpExchange& exchange, int status,
                                            const std::string& message) = 0;

  /// On the I/O thread, before the head is written: headers that every response carries.
  virtual void complete_head(const HttpExchange& exchange, HttpResponse& head) = 0;

  /// On the I/O thread, when the response is out or the client has gone.
  virtual void finish(HttpExchange& exchange) = 0;
};

}  // namespace jevons
