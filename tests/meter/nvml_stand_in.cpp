// A library with the functions of NVML that the sensor calls, and two cards of its own. Their
// energies begin at 1,000 and 5,000,000 mJ and grow by 250 and 750 mJ at each reading.
namespace {
struct Card {
  unsigned long long mj;
  unsigned step_mj, power_mw;
  bool is_lost;
};
Card cards[] = {{1'000, 250, 30'000, false}, {5'000'000, 750, 70'000, false}};
constexpr int kSuccess = 0, kNotSupported = 3, kGpuIsLost = 15;
}  // namespace

extern "C" {
int nvmlInit_v2() { return kSuccess; }
int nvmlShutdown() { return kSuccess; }
const char* nvmlErrorString(int code) { return code == kGpuIsLost ? "GPU is lost" : "some error"; }
int nvmlDeviceGetCount_v2(unsigned* n) {
#ifdef STAND_IN_WITHOUT_CARDS
  *n = 0;
#else
  *n = 2;
#endif
  return kSuccess;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned i, void** device) {
  *device = &cards[i];
  return kSuccess;
}
int nvmlDeviceGetTotalEnergyConsumption(void* device, unsigned long long* mj) {
#ifdef STAND_IN_WITHOUT_ENERGY
  (void)device;
  (void)mj;
  return kNotSupported;
#else
  auto& card = *static_cast<Card*>(device);
  if (card.is_lost) return kGpuIsLost;
  card.mj += card.step_mj;
  *mj = card.mj;
  return kSuccess;
#endif
}
int nvmlDeviceGetPowerUsage(void* device, unsigned* mw) {
  *mw = static_cast<Card*>(device)->power_mw;
  return kSuccess;
}
// For the test: the second card falls off the bus.
void stand_in_lose_card() { cards[1].is_lost = true; }
}
