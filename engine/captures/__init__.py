"""Captures: grading of moments, the best shot of a target, and the pictures made of it."""

from engine.captures.best_shot import BestShot, Shot, ShotFraming, Snapshot, Snapshotter
from engine.captures.grading import Grade, Moment, grade_moment, sharpness, touches_edge
from engine.captures.pictures import crop, encode_jpeg
from engine.captures.recorder import CaptureRecorder, CaptureSink

__all__ = [
    "BestShot",
    "CaptureRecorder",
    "CaptureSink",
    "Grade",
    "Moment",
    "Shot",
    "ShotFraming",
    "Snapshot",
    "Snapshotter",
    "crop",
    "encode_jpeg",
    "grade_moment",
    "sharpness",
    "touches_edge",
]
