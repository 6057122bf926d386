//! The journal on disks that keep their promises and no more.

#[cfg(test)]
mod blobs;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod data_dir;
#[cfg(test)]
mod files;
#[cfg(test)]
mod full_disk;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod node;
#[cfg(test)]
mod power_cut;
#[cfg(test)]
mod reader;
#[cfg(test)]
mod sim_disk;
#[cfg(test)]
mod snapshots;
