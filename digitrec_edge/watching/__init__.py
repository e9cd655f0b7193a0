"""Watching: a camera, a stream, a video or a folder is read frame by frame, and a number is given when frames agree."""
