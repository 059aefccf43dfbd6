package schedules

import "time"

// Tune bounds the runs under way at a time.
func (o *Options) Tune(running int) { o.tune.running = running }

// TuneLook sets the longest time between two looks at the clock.
func (o *Options) TuneLook(d time.Duration) { o.tune.look = d }
