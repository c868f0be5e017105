#include "meter/machine_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace jevons {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A made-up root.
class ProbeTest : public testing::Test {
 protected:
  void TearDown() override { fs::remove_all(root_); }
  void write(const std::string& name, const std::string& text) {
    fs::create_directories(fs::path(root_ + name).parent_path());
    std::ofstream(root_ + name) << text;
  }
  const std::string root_ = testing::TempDir() + "probe_" + std::to_string(::getpid());
};

TEST_F(ProbeTest, ReadsAProcessor) {
  write("/proc/cpuinfo",
        "processor\t: 0\nmodel name\t: Fast CPU 9000\nflags\t\t: fpu avx2 fma avx512f x "
        "avx512_vnni\n\nprocessor\t: 1\nmodel name\t: Other\n");
  EXPECT_EQ(processor_name(root_), "Fast CPU 9000");
  EXPECT_THAT(processor_features(root_), ElementsAre("avx2", "fma", "avx512f", "avx512_vnni"));
}

TEST_F(ProbeTest, ReadsAnArmProcessor) {
  write("/proc/cpuinfo", "processor\t: 0\nFeatures\t: fp asimd asimddp i8mm\nHardware\t: Phone\n");
  EXPECT_EQ(processor_name(root_), "Phone");
  EXPECT_THAT(processor_features(root_), ElementsAre("asimddp", "i8mm"));
}

TEST_F(ProbeTest, WithoutFilesNothingIsKnownAndNothingFails) {
  EXPECT_EQ(processor_name(root_), "unknown processor");
  EXPECT_THAT(processor_features(root_), IsEmpty());
  EXPECT_THAT(find_gpus(root_), IsEmpty());
  EXPECT_EQ(device_of(root_ + "/none"), "unknown device");
  EXPECT_EQ(machine_identity(2, 1ULL << 34, root_).size(), 16U);
}

TEST_F(ProbeTest, AnotherMachineHasAnotherIdentity) {
  write("/etc/machine-id", "8f1e2d3c\n");
  const std::string here = machine_identity(2, 16ULL << 30, root_);
  EXPECT_EQ(machine_identity(2, 16ULL << 30, root_), here);
  EXPECT_EQ(machine_identity(2, (16ULL << 30) + 4096, root_), here);  // the kernel's own share
  EXPECT_NE(machine_identity(4, 16ULL << 30, root_), here);
  EXPECT_NE(machine_identity(2, 32ULL << 30, root_), here);
  write("/etc/machine-id", "8f1e2d3d\n");
  EXPECT_NE(machine_identity(2, 16ULL << 30, root_), here);
  EXPECT_THAT(here, testing::Not(HasSubstr("8f1e2d3c")));
}

TEST_F(ProbeTest, FindsGpusOnce) {
  write("/proc/driver/nvidia/gpus/0000:01:00.0/information",
        "Model: \t\t NVIDIA GeForce RTX 9\nIRQ: 1\n");
  write("/sys/class/drm/card0/device/vendor", "0x10de\n");
  write("/sys/class/drm/card1/device/vendor", "0x1002\n");
  write("/sys/class/drm/card1/device/device", "0x744c\n");
  write("/sys/class/drm/card1/device/mem_info_vram_total", "25753026560\n");
  write("/sys/class/drm/card1-HDMI-A-1/device/vendor", "0x1002\n");
  write("/sys/class/drm/card2/device/vendor", "0x1234\n");  // an emulated screen
  const auto gpus = find_gpus(root_);
  ASSERT_EQ(gpus.size(), 2U);
  EXPECT_EQ(gpus[0].name, "NVIDIA GeForce RTX 9");
  EXPECT_EQ(gpus[1].name, "AMD graphics 0x744c");
  EXPECT_EQ(gpus[1].memory_bytes, 25'753'026'560U);
}

TEST_F(ProbeTest, APartitionIsItsDisk) {
  struct ::stat status{};
  ASSERT_EQ(::stat(testing::TempDir().c_str(), &status), 0);
  const std::string number = std::to_string(gnu_dev_major(status.st_dev)) + ":" +
                             std::to_string(gnu_dev_minor(status.st_dev));
  write("/sys/devices/nvme0n1/nvme0n1p2/partition", "2\n");
  fs::create_directories(root_ + "/sys/dev/block");
  fs::create_directory_symlink(root_ + "/sys/devices/nvme0n1/nvme0n1p2",
                               root_ + "/sys/dev/block/" + number);
  EXPECT_EQ(device_of(testing::TempDir(), root_), "/dev/nvme0n1");
}

TEST_F(ProbeTest, AFileSystemWithoutADiskIsNamedByItsKind) {
  struct ::stat status{};
  ASSERT_EQ(::stat(testing::TempDir().c_str(), &status), 0);
  const std::string number = std::to_string(gnu_dev_major(status.st_dev)) + ":" +
                             std::to_string(gnu_dev_minor(status.st_dev));
  write("/proc/self/mountinfo", "22 1 9999:1 / /other rw - ext4 /dev/sdz1 rw\n36 22 " + number +
                                    " / /tmp rw,nosuid shared:5 - tmpfs tmpfs rw\n");
  EXPECT_EQ(device_of(testing::TempDir(), root_), "tmpfs");
}

TEST(Probe, ThisMachineHasAProcessorAndADisk) {
  EXPECT_NE(processor_name(), "unknown processor");
  EXPECT_NE(device_of("/"), "");
}

}  // namespace
}  // namespace jevons
