"""Finds and follows targets in pictures: models, detectors, tiling, tracking, and the analysis of a channel."""

from engine.vision.analysis import AnalysisStatistics, ChannelAnalysis, InferencePool
from engine.vision.catalogue import UnknownModelError
from engine.vision.detector import Detector, DetectorError
from engine.vision.fetch import FetchProgress
from engine.vision.loading import AUTOMATIC, load_detector
from engine.vision.store import ModelStore, ModelUnavailableError, progress_bar
from engine.vision.tiling import TiledDetector
from engine.vision.tracker import MultiObjectTracker, TrackerSettings
from engine.vision.video_file import VIDEO_CHANNEL, WHOLE_PICTURE, VideoFileError, VideoReport, analyze_video

__all__ = [
    "AUTOMATIC",
    "VIDEO_CHANNEL",
    "WHOLE_PICTURE",
    "AnalysisStatistics",
    "ChannelAnalysis",
    "Detector",
    "DetectorError",
    "FetchProgress",
    "InferencePool",
    "ModelStore",
    "ModelUnavailableError",
    "MultiObjectTracker",
    "TiledDetector",
    "TrackerSettings",
    "UnknownModelError",
    "VideoFileError",
    "VideoReport",
    "analyze_video",
    "load_detector",
    "progress_bar",
]
