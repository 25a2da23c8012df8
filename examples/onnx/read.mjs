// Read the clocks in a photo with Node, without clockread.
//
// npm install onnxruntime-node sharp
// node read.mjs reader-int8.onnx PHOTO
//
// In a browser it is the same with onnxruntime-web, and the RGBA pixels of a canvas.

import { InferenceSession, Tensor } from "onnxruntime-node";
import sharp from "sharp";

const [model, photo] = process.argv.slice(2);
const session = await InferenceSession.create(model);
const { data, info } = await sharp(photo)
  .rotate() // upright, as the camera says
  .toColourspace("srgb")
  .raw()
  .toBuffer({ resolveWithObject: true });
const pixels = new Tensor("uint8", data, [info.height, info.width, info.channels]);
const { minutes, confidence } = await session.run({ photo: pixels });

// A line per clock: its time and how likely that is right
minutes.data.forEach((time, i) => {
  const minute = String(time % 60).padStart(2, "0");
  console.log(`${Math.floor(time / 60) || 12}:${minute} ${confidence.data[i].toFixed(2)}`);
});
