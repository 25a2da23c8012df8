// Read the clocks in a photo with onnxruntime's C++ API and stb_image, without clockread.
//
// g++ -std=c++17 -O2 read.cpp -I INCLUDE -L LIB -lonnxruntime -o read
// ./read reader-int8.onnx PHOTO    (upright: stb_image does not turn it)

#include <onnxruntime_cxx_api.h>

#include <cstdio>

#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>

int main(int, char** arguments) {
  int width, height, channels;
  stbi_uc* pixels = stbi_load(arguments[2], &width, &height, &channels, 3);
  if (!pixels) {
    std::fprintf(stderr, "%s: %s\n", arguments[2], stbi_failure_reason());
    return 1;
  }
  Ort::Env environment;
  Ort::Session session(environment, arguments[1], Ort::SessionOptions{});
  auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  const int64_t shape[] = {height, width, 3};
  const size_t size = size_t(height) * width * 3;
  auto photo = Ort::Value::CreateTensor<uint8_t>(memory, pixels, size, shape, 3);
  const char* inputs[] = {"photo"};
  const char* outputs[] = {"minutes", "confidence"};
  auto results = session.Run(Ort::RunOptions{}, inputs, &photo, 1, outputs, 2);

  // A line per clock: its time and how likely that is right
  const int32_t* minutes = results[0].GetTensorData<int32_t>();
  const float* confidence = results[1].GetTensorData<float>();
  const size_t count = results[0].GetTensorTypeAndShapeInfo().GetElementCount();
  for (size_t i = 0; i < count; ++i) {
    const int hour = minutes[i] / 60;
    std::printf("%d:%02d %.2f\n", hour ? hour : 12, minutes[i] % 60, confidence[i]);
  }
}
