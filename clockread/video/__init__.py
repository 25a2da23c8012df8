"""Videos: frames with their times, and videos with the times drawn on them; needs PyAV."""
