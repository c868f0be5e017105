// The same server behind TLS, with a certificate made for the test.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "raw_client.h"
#include "running_server.h"

namespace jevons {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// A key and a certificate that it signed itself, as files of this process.
class OwnCertificate {
 public:
  OwnCertificate() {
    EVP_PKEY* key = EVP_RSA_gen(2048);
    X509* certificate = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_set_pubkey(certificate, key);
    X509_NAME* name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    EXPECT_NE(X509_sign(certificate, key, EVP_sha256()), 0);
    const auto base =
        std::filesystem::temp_directory_path() / ("jevons_tls_" + std::to_string(::getpid()));
    certificate_path = base.string() + ".cert.pem";
    key_path = base.string() + ".key.pem";
    std::FILE* file = std::fopen(certificate_path.c_str(), "w");
    EXPECT_EQ(PEM_write_X509(file, certificate), 1);
    std::fclose(file);
    file = std::fopen(key_path.c_str(), "w");
    EXPECT_EQ(PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr), 1);
    std::fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  OwnCertificate(const OwnCertificate&) = delete;
  OwnCertificate& operator=(const OwnCertificate&) = delete;
  ~OwnCertificate() {
    std::filesystem::remove(certificate_path);
    std::filesystem::remove(key_path);
  }

  std::string certificate_path, key_path;
};

class TlsClient {
 public:
  explicit TlsClient(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    SSL_set_fd(ssl_.get(), fd_);
    EXPECT_EQ(SSL_connect(ssl_.get()), 1);
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;
  ~TlsClient() { ::close(fd_); }

  void send(std::string_view bytes) {
    EXPECT_GT(SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())), 0);
  }
  std::string read_until(const std::string& text) {
    std::array<char, 4096> bytes;
    while (inbox_.find(text) == std::string::npos) {
      const int n = SSL_read(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
      if (n <= 0) break;
      inbox_.append(bytes.data(), static_cast<std::size_t>(n));
    }
    return inbox_;
  }

 private:
  int fd_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_{SSL_CTX_new(TLS_client_method()),
                                                             SSL_CTX_free};
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{SSL_new(context_.get()), SSL_free};
  std::string inbox_;
};

TEST(Tls, StreamsAndNoticesClientsThatLeave) {
  const OwnCertificate own;
  ApiServerOptions options = quick_options();
  options.http.tls_certificate = own.certificate_path;
  options.http.tls_key = own.key_path;
  const auto server = running_server(std::move(options));
  EXPECT_THAT(server->url(), StartsWith("https://"));
  const auto engine = nano_engine();
  {
    TlsClient client(server->port());
    client.send(http_request("GET", "/health/live"));
    EXPECT_THAT(client.read_until("}"), StartsWith("HTTP/1.1 200"));
    client.send(
        http_request("POST", "/v1/chat/completions", endless_chat("tls", R"(, "stream": true)")));
    EXPECT_THAT(client.read_until("reasoning"), HasSubstr("reasoning"));
  }
  wait_until([&] { return is_idle(*engine); });
  EXPECT_GE(engine->status().n_cancelled, 1U);
  // Plain text is not taken for TLS, and does not hold the server up.
  RawClient plain(server->port());
  plain.send(http_request("GET", "/health/live"));
  (void)plain.read_until("nothing of HTTP");
  RawClient silent(server->port());
  EXPECT_TRUE(silent.sees_end());
}

TEST(Tls, FilesThatAreNoneAreNamed) {
  const OwnCertificate own;
  ApiServerOptions options = quick_options();
  options.http.tls_certificate = own.certificate_path;
  EXPECT_FALSE(ApiServer::start(options));
  options.http.tls_key = own.certificate_path;
  const auto wrong = ApiServer::start(options);
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message, HasSubstr(own.certificate_path));
}

}  // namespace
}  // namespace jevons
